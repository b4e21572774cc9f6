"""Why something waits: the outbox's own codes, each with its sentence. Stores' refusals bring their
own.
"""

from __future__ import annotations

from enum import StrEnum

from integrations import policy


class Reason(StrEnum):
    WRITES_OFF = "writes_off"
    TOO_MANY_ATTEMPTS = policy.TOO_MANY_ATTEMPTS
    LEASE_EXPIRED = "lease_expired"
    FILE_LOST = "file_came_to_nothing"
    PARCELS_LOST = "parcel_file_came_to_nothing"
    TOLD_BY_CALL = "told_by_call"
    GATE = "orders_unread"
    GATE_SKIPPED = "orders_unread_sent_anyway"
    NOT_WRITTEN = "not_written"
    LISTING_GONE = "listing_gone"
    NOT_KEPT = "figure_not_kept"
    REVERTED = "figure_reverted"
    FROZEN = "figure_fought_over"
    MASS_ZERO = "would_sell_out"
    ZERO_CONFIRMED = "selling_out_confirmed"
    CANCELLED_AT_STORE = "cancelled_at_store"
    CANCEL_REQUESTED_AT_STORE = "cancel_requested_at_store"
    EDITED_AT_STORE = "edited_at_store"
    MOVED_AT_STORE = "address_changed_at_store"
    RULE_FAILED = "rule_failed"
    FIELDS_FOUGHT_OVER = "fields_fought_over"


SENTENCES: dict[Reason, str] = {
    Reason.WRITES_OFF: "Writing to this store is switched off. Turn it on, and this goes out.",
    Reason.TOO_MANY_ATTEMPTS: "Given up after many attempts. Mend the cause, then retry.",
    Reason.LEASE_EXPIRED: "The worker that was sending this ended before the answer was kept.",
    Reason.FILE_LOST: "The file this figure was in came to nothing, so it goes out again. {why}",
    Reason.PARCELS_LOST: (
        "The file this parcel was in came to nothing, so the store is told of it by itself. {why}"
    ),
    Reason.TOLD_BY_CALL: (
        "It goes out by itself, not in a file with many others: its order changed at the store "
        "after the parcel was made, or something is missing that a file needs."
    ),
    Reason.GATE: (
        "Waiting until this store's newest orders are read, so that no sold unit is given back."
    ),
    Reason.GATE_SKIPPED: "Sent although this store's newest orders could not be read in time.",
    Reason.LISTING_GONE: "The listing is gone from the store.",
    Reason.FROZEN: (
        "Something else in the store keeps changing this figure back. Logix stopped writing it; "
        "find the other system or set the listing to “never written”, then retry."
    ),
    Reason.MASS_ZERO: (
        "{count} of {live} listings of this store would fall to 0 at once, and no order explains "
        "it: a stock rule, a closed place or a count may be wrong. Look at one of them; if all is "
        "meant, say so at the store: “Send the zeros”."
    ),
    Reason.CANCELLED_AT_STORE: "The order is cancelled at the store, so it was not told this.",
    Reason.CANCEL_REQUESTED_AT_STORE: (
        "The buyer has asked the store to cancel this order. Cancel it there and drop this, or "
        "mark the order as reviewed and retry."
    ),
    Reason.EDITED_AT_STORE: (
        "The order was edited at the store after this was prepared: what was shipped is no longer "
        "on it. Review the order, then retry or drop."
    ),
    Reason.MOVED_AT_STORE: (
        "The address was changed at the store after this parcel was prepared. Read the order "
        "again, look where the parcel goes, then retry or drop."
    ),
    Reason.FIELDS_FOUGHT_OVER: (
        "Something else in the store keeps changing the fields that rules write. Logix stopped "
        "writing them; find the other system or change the rules, and retry a quarter of an hour "
        "later."
    ),
}

# These concern the whole store and end when it is mended; all others are about one line.
OF_THE_STORE = frozenset(
    {
        Reason.WRITES_OFF,
        "authentication_failed",
        "permission_missing",
        "merchant_must_act",
        "misconfigured",
    }
)
