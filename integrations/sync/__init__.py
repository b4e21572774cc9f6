"""Sync Engine: reads stores and applies what they say. Everything comes in through
``apply_orders``, ``apply_products``, ``apply_payouts``, ``apply_parts``, ``apply_kept``.
"""

from integrations.sync.announced import read_soon
from integrations.sync.applying import (
    apply_kept,
    apply_orders,
    apply_parts,
    apply_payouts,
    apply_products,
    mark_gone,
)
from integrations.sync.arrivals import Arrivals, Silence, arrivals, is_quiet, silences
from integrations.sync.backfill import run_slice
from integrations.sync.beginning import read_past_anew
from integrations.sync.changes import run_stream
from integrations.sync.dropping import drop_prepared
from integrations.sync.fieldrules import (
    MOST_ORDERS,
    RULED,
    Preview,
    broken_rules,
    check_rule,
    preview,
    remove_rule,
    rules_changed,
    save_rule,
)
from integrations.sync.gaps import reread_gaps
from integrations.sync.mastering import Switch, master_of, set_stock_master
from integrations.sync.outcome import Applied
from integrations.sync.owning import make_product
from integrations.sync.parking import dismiss as dismiss_parked
from integrations.sync.parking import forget_buyer as forget_parked
from integrations.sync.parking import park
from integrations.sync.parking import rearm as rearm_parked
from integrations.sync.rehearsing import RulesTried, WordsTried, try_rules, try_words
from integrations.sync.requests import (
    RunRefused,
    cancel_run,
    open_stock,
    pause_run,
    refetch_order,
    request_run,
    resume_run,
)
from integrations.sync.rereading import reread_due_orders, reread_orders, unknown_words
from integrations.sync.retrying import retry_due_parked, retry_parked
from integrations.sync.told import Taken, take_figures, take_sold
from integrations.sync.zeros import believe_the_zeros, confirm_zeros, zeros_held

__all__ = [
    "MOST_ORDERS",
    "RULED",
    "Applied",
    "Arrivals",
    "Preview",
    "RulesTried",
    "RunRefused",
    "Silence",
    "Switch",
    "Taken",
    "WordsTried",
    "apply_kept",
    "apply_orders",
    "apply_parts",
    "apply_payouts",
    "apply_products",
    "arrivals",
    "believe_the_zeros",
    "broken_rules",
    "cancel_run",
    "check_rule",
    "confirm_zeros",
    "dismiss_parked",
    "drop_prepared",
    "forget_parked",
    "is_quiet",
    "make_product",
    "mark_gone",
    "master_of",
    "open_stock",
    "park",
    "pause_run",
    "preview",
    "read_past_anew",
    "read_soon",
    "rearm_parked",
    "refetch_order",
    "remove_rule",
    "request_run",
    "reread_due_orders",
    "reread_gaps",
    "reread_orders",
    "resume_run",
    "retry_due_parked",
    "retry_parked",
    "rules_changed",
    "run_slice",
    "run_stream",
    "save_rule",
    "set_stock_master",
    "silences",
    "take_figures",
    "take_sold",
    "try_rules",
    "try_words",
    "unknown_words",
    "zeros_held",
]
