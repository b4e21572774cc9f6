"""Compares stores with what is kept of them here, every night: order ids, a sample of orders part
by part, stock figures. What differs is healed through the doors that others use, and counted by its
cause.
"""

from integrations.reconcile.clock import overdue, start_due
from integrations.reconcile.engine import compare_slice
from integrations.reconcile.report import CAUSES, Cause, all_counts, healed, left_open, verdict
from integrations.reconcile.requests import DAYS, MOST_DAYS, go_on, request
from integrations.reconcile.standing import WANTED_EXACT, Standing, asking, failed, standing

__all__ = [
    "CAUSES",
    "DAYS",
    "MOST_DAYS",
    "WANTED_EXACT",
    "Cause",
    "Standing",
    "all_counts",
    "asking",
    "compare_slice",
    "failed",
    "go_on",
    "healed",
    "left_open",
    "overdue",
    "request",
    "standing",
    "start_due",
    "verdict",
]
