"""What the control cannot do."""

from __future__ import annotations


class Refusal(Exception):
    """It cannot be done; the message is for the person who asked."""
