"""What goes out to stores: pushes (figures wanted) and commands (things done once).

The rest of the house calls what is named here, and ``gate.add_source``.
"""

from integrations.outbox.brake import go_on as send_the_zeros
from integrations.outbox.brake import held_back as zeros_held_back
from integrations.outbox.commands import enqueue_command
from integrations.outbox.compensating import orders_changed, targets
from integrations.outbox.dirty import (
    is_echo,
    mark_dirty,
    mark_listings,
    mark_store,
    note_store_figures,
    settle_mastered,
    settle_unlinked,
)
from integrations.outbox.dispatch import send_commands
from integrations.outbox.erasing import forget_buyer
from integrations.outbox.explaining import told_of
from integrations.outbox.facts import facts_of, supposed
from integrations.outbox.fields import rules_changed, want_fields
from integrations.outbox.files import due as due_hand_overs
from integrations.outbox.files import look_soon as look_file_soon
from integrations.outbox.hand_overs import work_hand_over
from integrations.outbox.handed import file_of, words_of
from integrations.outbox.hands import (
    drop_command,
    is_over,
    retry_command,
    retry_push,
    unblock_store,
)
from integrations.outbox.outside import look as look_outside
from integrations.outbox.outside import look_soon as look_outside_soon
from integrations.outbox.outside import preview as preview_outside
from integrations.outbox.outside import ring_looks, sender, senders
from integrations.outbox.overselling import Between, Told
from integrations.outbox.overselling import history as oversell_history
from integrations.outbox.parcels import file_of as parcel_file_of
from integrations.outbox.push import send_pushes
from integrations.outbox.reasons import Reason
from integrations.outbox.rehearsing import (
    FirstPush,
    Outcome,
    RuleTried,
    first_push,
    sells_out,
    sold_out_words,
    try_rule,
)
from integrations.outbox.seeing import note_seen, stock_update
from integrations.outbox.superseding import Memory, forget_completion, forget_parcel
from integrations.outbox.sweep import Numbers, Swept, due_stores, numbers, sweep

__all__ = [
    "Between",
    "FirstPush",
    "Memory",
    "Numbers",
    "Outcome",
    "Reason",
    "RuleTried",
    "Swept",
    "Told",
    "drop_command",
    "due_hand_overs",
    "due_stores",
    "enqueue_command",
    "facts_of",
    "file_of",
    "first_push",
    "forget_buyer",
    "forget_completion",
    "forget_parcel",
    "is_echo",
    "is_over",
    "look_file_soon",
    "look_outside",
    "look_outside_soon",
    "mark_dirty",
    "mark_listings",
    "mark_store",
    "note_seen",
    "note_store_figures",
    "numbers",
    "orders_changed",
    "oversell_history",
    "parcel_file_of",
    "preview_outside",
    "retry_command",
    "retry_push",
    "ring_looks",
    "rules_changed",
    "sells_out",
    "send_commands",
    "send_pushes",
    "send_the_zeros",
    "sender",
    "senders",
    "settle_mastered",
    "settle_unlinked",
    "sold_out_words",
    "stock_update",
    "supposed",
    "sweep",
    "targets",
    "told_of",
    "try_rule",
    "unblock_store",
    "want_fields",
    "words_of",
    "work_hand_over",
    "zeros_held_back",
]
