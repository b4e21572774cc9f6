"""The kinds of trouble a simulated WooCommerce store knows. What a kind does to a request stands in
``spoiling``, what it does to a webhook in ``deliveries``.
"""

from __future__ import annotations

from integrations.sandbox.faults import Kind

KINDS: dict[str, Kind] = {
    # Before the work: the store has done nothing.
    "rate_limited": Kind("429 with Retry-After", seconds=2, status=429),
    "rate_limited_silently": Kind("429 that does not say for how long", status=429),
    "server_error": Kind("an error of the server", status=500),
    "maintenance": Kind("WordPress is being updated: 503", status=503),
    "html_page": Kind("a page of the host instead of JSON", status=200),
    "redirect": Kind("sent on to another address", status=301),
    "dropped": Kind("the connection breaks before anything is done"),
    "slow": Kind("a slow answer", seconds=5),
    "key_revoked": Kind("the key was taken back"),
    "key_read_only": Kind("the key may only read"),
    # After the work: whatever was asked for has happened.
    "timeout_after_write": Kind("a write is done, its answer never comes", seconds=30),
    "truncated": Kind("the connection breaks amid the answer"),
    "php_notice": Kind("a PHP notice is printed before the JSON"),
    "unknown_fields": Kind("fields nobody has announced"),
    "changed_types": Kind("a known field comes with another type"),
    "edited_during_paging": Kind("a record of a page changes once the page was read"),
    # What is sent to others. The route filter is held against the topic.
    "webhook_lost": Kind("never sent"),
    "webhook_late": Kind("sent late", seconds=10),
    "webhook_duplicated": Kind("sent twice"),
    "webhook_shuffled": Kind("held up once it was built: newer ones overtake it", seconds=2),
}
