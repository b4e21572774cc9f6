"""Bulk operations: a query run in the background, its result a file of JSON lines."""
