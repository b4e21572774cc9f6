"""Connecting stores: test, connect, change, pause, renew, disconnect, and the webhooks of each."""

from integrations.connect.changing import (
    change_store,
    check_options,
    disconnect,
    pause,
    recheck_refused,
    resume,
    set_writes,
)
from integrations.connect.channels import choose_channels
from integrations.connect.confirming import CodeGone, Question, come_back, confirm, decline
from integrations.connect.consent import VALID_FOR, begin_oauth, finish_oauth
from integrations.connect.hooks import (
    lacks_webhooks,
    polled_meanwhile,
    reconcile_webhooks,
    rotate_webhook_secret,
    webhook_address,
)
from integrations.connect.leaving import scopes_changed, uninstalled
from integrations.connect.oneclick import begin_one_click, finish_one_click
from integrations.connect.opening import activate, connect_store
from integrations.connect.parting import may_remove_app
from integrations.connect.places import (
    LACKS_PLACES,
    choose_places,
    lacks_places,
    make_places,
    telling_places,
)
from integrations.connect.queues import queue_of
from integrations.connect.standing import (
    by_consent,
    reconnect_at,
    warnings_of,
    warnings_of_access,
)
from integrations.connect.testing import ConnectionTest, test_connection, try_connection
from integrations.lifecycle import ConnectError, MoveRefused

__all__ = [
    "LACKS_PLACES",
    "VALID_FOR",
    "CodeGone",
    "ConnectError",
    "ConnectionTest",
    "MoveRefused",
    "Question",
    "activate",
    "begin_oauth",
    "begin_one_click",
    "by_consent",
    "change_store",
    "check_options",
    "choose_channels",
    "choose_places",
    "come_back",
    "confirm",
    "connect_store",
    "decline",
    "disconnect",
    "finish_oauth",
    "finish_one_click",
    "lacks_places",
    "lacks_webhooks",
    "make_places",
    "may_remove_app",
    "pause",
    "polled_meanwhile",
    "queue_of",
    "recheck_refused",
    "reconcile_webhooks",
    "reconnect_at",
    "resume",
    "rotate_webhook_secret",
    "scopes_changed",
    "set_writes",
    "telling_places",
    "test_connection",
    "try_connection",
    "uninstalled",
    "warnings_of",
    "warnings_of_access",
    "webhook_address",
]
