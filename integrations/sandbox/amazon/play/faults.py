"""The kinds of trouble a simulated seller account knows. What a kind does to a request stands in
``spoiling``; what happens inside, where it happens.

A switch's route is found anywhere in the path or, behind it, in the operation's name
(``/orders/2026-01-01/orders searchOrders``); for what happens inside it is held against a few words
on it (``listing AMZ-0001``, ``report GET_MERCHANT_LISTINGS_ALL_DATA``, ``ORDER_CHANGE 302-…``).
"""

from __future__ import annotations

from integrations.sandbox.faults import Kind

KINDS: dict[str, Kind] = {
    # Before the work: the account has done nothing.
    "throttled": Kind("QuotaExceeded: another worker has used the quota up", status=429),
    "internal_failure": Kind("InternalFailure, an error of Amazon's", status=500),
    "unavailable": Kind("Service Unavailable, as JSON", status=503),
    "html_page": Kind("a page instead of JSON", status=503),
    "redirect": Kind("sent on to another address", status=301),
    "dropped": Kind("the connection breaks before anything is done"),
    "slow": Kind("a slow answer", seconds=5),
    "token_expired": Kind("the access token is over before its time"),
    "token_revoked": Kind("the seller has taken the access back"),
    "role_missing": Kind("the app lacks the role for this call"),
    "login_down": Kind("Login with Amazon does not answer properly", status=503),
    "limit_told": Kind("the header with the rate stands on a 429 as well"),
    # Inside: Amazon said yes and does not do it.
    "confirmation_lost": Kind("a confirmed shipment is dropped after its 204"),
    "change_lost": Kind("an accepted change of a listing is never seen"),
    "report_fatal": Kind("a report ends FATAL"),
    "feed_fatal": Kind("a feed ends FATAL"),
    "feed_cancelled": Kind("a feed is called off before it is begun"),
    "feed_stuck": Kind("a feed stays IN_PROGRESS for good"),
    "feed_message_refused": Kind("a parcel in a feed is refused"),
    "outbound_invalid": Kind("an order of another shop turns out to be Invalid"),
    "outbound_unfulfillable": Kind("no unit of an order of another shop is found"),
    "outbound_partial": Kind("some units of an order of another shop are not found"),
    "news_lost": Kind("a notification is never sent"),
    "news_duplicated": Kind("a notification is put into the queue twice"),
    "news_unordered": Kind("a notification is overtaken by the next one"),
    "queue_denied": Kind("Amazon may not write into the queue, and says nothing"),
    # After the work: whatever was asked for has happened.
    "timeout_after_write": Kind("a change is done, its answer never comes", seconds=30),
    "truncated": Kind("the connection breaks amid the answer"),
    "unknown_fields": Kind("fields nobody asked for"),
    "unknown_values": Kind("a status nobody has announced"),
    "missing_fields": Kind("what the model promises is not there"),
    "limit_untold": Kind("the header with the rate is left out"),
    "edited_during_paging": Kind("an order of a page changes once the page was read"),
}
