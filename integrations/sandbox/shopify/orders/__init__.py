"""Orders and all that hangs on them: fulfilment, refunds, returns, edits."""
