"""Refusals of the order services: a stable ``code`` and a sentence for the person who asked."""

from __future__ import annotations


class OrderError(Exception):
    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code
        self.message = message


class OrderChangedMeanwhile(Exception):
    """Another process wrote the same order first. Nothing was written; run the whole transaction
    again.
    """
