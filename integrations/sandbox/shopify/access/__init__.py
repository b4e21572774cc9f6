"""Who may call: the app, its tokens and scopes, the OAuth doors and the page of consent."""
