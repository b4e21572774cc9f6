"""The kinds of trouble a simulated Shopify store knows. What a kind does to a request stands in
``spoiling``, what it does to a webhook in ``hooks/deliveries``.

A switch's route is found anywhere in the path or, behind it, in the names of the fields a GraphQL
request asks for (``/admin/api/2026-07/graphql.json orders``).
"""

from __future__ import annotations

from integrations.sandbox.faults import Kind

KINDS: dict[str, Kind] = {
    # Before the work: the store has done nothing.
    "throttled": Kind("THROTTLED: the app's points are used up", status=200),
    "rate_limited": Kind("429 with Retry-After", seconds=2, status=429),
    "rate_limited_silently": Kind("429 that does not say for how long", status=429),
    "internal_error": Kind("INTERNAL_SERVER_ERROR in a 200", status=200),
    "server_error": Kind("an error of the server", status=500),
    "html_page": Kind("a page instead of JSON", status=200),
    "shop_frozen": Kind("the shop has not paid: 402", status=402),
    "forbidden": Kind("the shop refuses the app: 403", status=403),
    "shop_gone": Kind("there is no such shop: 404", status=404),
    "shop_locked": Kind("the shop is locked: 423", status=423),
    "rejected": Kind("the request looks malicious to Shopify: 430", status=430),
    "redirect": Kind("sent on to another address", status=301),
    "dropped": Kind("the connection breaks before anything is done"),
    "slow": Kind("a slow answer", seconds=5),
    "token_revoked": Kind("the token was taken back"),
    "scopes_narrowed": Kind("the app may only read"),
    "idempotency_busy": Kind("IDEMPOTENCY_CONCURRENT_REQUEST: the key's request is under way"),
    # Inside: the store itself does not do what was asked.
    "bulk_failed": Kind("a bulk operation fails half way, with what it has read"),
    "payout_line_lost": Kind("the first of a payout's transactions is not listed"),
    # After the work: whatever was asked for has happened.
    "timeout_after_write": Kind("a mutation is done, its answer never comes", seconds=30),
    "truncated": Kind("the connection breaks amid the answer"),
    "unknown_fields": Kind("fields nobody asked for"),
    "unknown_values": Kind("a known enum has a value nobody has announced"),
    "unexpected_nulls": Kind("null where the schema promises something"),
    "edited_during_paging": Kind("a record of a page changes once the page was read"),
    # What is sent to others. The route filter is held against the topic.
    "webhook_lost": Kind("never sent"),
    "webhook_late": Kind("sent late", seconds=10),
    "webhook_duplicated": Kind("sent twice"),
    "webhook_shuffled": Kind("held up once it was built: newer ones overtake it", seconds=2),
}
