"""The door of the Selling Partner API: tokens, quotas, parameters, and which call does what."""
