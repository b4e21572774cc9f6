"""Connecting stores: test, connect, change, pause, renew, disconnect, and the webhooks of each."""

from integrations.connect.changing import (
    change_store,
    disconnect,
    pause,
    recheck_refused,
    resume,
    set_writes,
)
from integrations.connect.consent import begin_oauth, finish_oauth
from integrations.connect.hooks import (
    reconcile_webhooks,
    rotate_webhook_secret,
    webhook_address,
)
from integrations.connect.leaving import scopes_changed, uninstalled
from integrations.connect.oneclick import begin_one_click, finish_one_click
from integrations.connect.opening import activate, connect_store
from integrations.connect.standing import by_consent, reconnect_at, warnings_of
from integrations.connect.testing import ConnectionTest, test_connection, try_connection
from integrations.lifecycle import ConnectError, MoveRefused

__all__ = [
    "ConnectError",
    "ConnectionTest",
    "MoveRefused",
    "activate",
    "begin_oauth",
    "begin_one_click",
    "by_consent",
    "change_store",
    "connect_store",
    "disconnect",
    "finish_oauth",
    "finish_one_click",
    "pause",
    "recheck_refused",
    "reconcile_webhooks",
    "reconnect_at",
    "resume",
    "rotate_webhook_secret",
    "scopes_changed",
    "set_writes",
    "test_connection",
    "try_connection",
    "uninstalled",
    "warnings_of",
    "webhook_address",
]
