"""What long loops over rows leave behind. Rows that know each other (a listing and its push) are
freed by Python's collector alone, which looks rarely here (``apps``): a thousand of them are some
megabytes, so a loop over many thousands collects what is young as it goes.
"""

from __future__ import annotations

import gc


def collect_young() -> None:
    """A few milliseconds: what has lived for long is not looked at. To be called when nothing holds
    the rows any more: those that are held then count as long-lived, and pile up.
    """
    gc.collect(1)
