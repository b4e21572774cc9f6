"""The inbox's front door: what others call to take in, work off, keep moving, work again."""

from webhooks.accept import accept
from webhooks.dismissing import dismiss
from webhooks.process import process_one, process_ready, process_store
from webhooks.replay import replay, replay_range
from webhooks.sealing import open_body
from webhooks.upkeep import Numbers, has_unapplied_orders, numbers, purge, rearm_store, sweep

__all__ = [
    "Numbers",
    "accept",
    "dismiss",
    "has_unapplied_orders",
    "numbers",
    "open_body",
    "process_one",
    "process_ready",
    "process_store",
    "purge",
    "rearm_store",
    "replay",
    "replay_range",
    "sweep",
]
