"""Connecting stores: test, connect, change, pause, renew, disconnect, and the webhooks of each."""

from integrations.connect.changing import (
    change_store,
    disconnect,
    pause,
    recheck_refused,
    resume,
    set_writes,
)
from integrations.connect.hooks import (
    reconcile_webhooks,
    rotate_webhook_secret,
    webhook_address,
)
from integrations.connect.oneclick import begin_one_click, finish_one_click
from integrations.connect.opening import activate, connect_store
from integrations.connect.testing import ConnectionTest, test_connection, try_connection
from integrations.lifecycle import ConnectError, MoveRefused

__all__ = [
    "ConnectError",
    "ConnectionTest",
    "MoveRefused",
    "activate",
    "begin_one_click",
    "change_store",
    "connect_store",
    "disconnect",
    "finish_one_click",
    "pause",
    "recheck_refused",
    "reconcile_webhooks",
    "resume",
    "rotate_webhook_secret",
    "set_writes",
    "test_connection",
    "try_connection",
    "webhook_address",
]
