"""Why something was not written: somebody was faster, or what was asked cannot be done."""

from __future__ import annotations


class LedgerConflict(Exception):
    """Another transaction wrote the same items first. Nothing was written; run the whole
    transaction again.
    """


class LedgerRefused(Exception):
    """A hand adjustment that cannot be done, with the reason for the person who asked."""


class LinkRefused(Exception):
    """A link that cannot be made or taken off by hand, with the reason for the person who asked."""


class KitRefused(Exception):
    """A kit that cannot be, with the reason for the person who asked."""


class KitCounted(KitRefused):
    """One that has units on hand of its own: a count of 0 makes it possible."""


class RuleTaken(Exception):
    """There is a stock rule of this scope already; the message names it for the person who
    asked.
    """


class PutBackRefused(Exception):
    """A change of a stock rule that cannot be undone, with the reason for the person who asked."""


class ModeRefused(Exception):
    """A way to sell a listing that lacks its figure, with the reason for the person who asked."""


class AllocationRefused(Exception):
    """Units that cannot be set aside for a store, with the reason for the person who asked."""
