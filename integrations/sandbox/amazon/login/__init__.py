"""Login with Amazon: who may call, for how long, and the pages on which a seller agrees."""
