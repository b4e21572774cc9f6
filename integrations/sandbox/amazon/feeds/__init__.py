"""Feeds 2021-06-30: files that are sent in, worked off and reported on."""
