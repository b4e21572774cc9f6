"""Models of the connecting half: stores, what is read from them, what is written to them,
housekeeping.
"""

from integrations.models.control import (
    CallLog,
    FieldRule,
    Heartbeat,
    RateBucket,
    ScheduleSlot,
    StoreBreaker,
)
from integrations.models.hub_app import HubAppSecret
from integrations.models.outbox import (
    Command,
    HandedFigure,
    HandedParcel,
    HandOver,
    ParcelHandOver,
    Push,
    StockHandOver,
)
from integrations.models.privacy import ErasureMark, PrivacyRequest
from integrations.models.queue import NewsQueue
from integrations.models.reconcile import Phase, Reconciliation, ReconciliationState
from integrations.models.store import ConnectAttempt, Credential, Endpoint, Store, StoreStatus
from integrations.models.sync import (
    LIVE_STATES,
    ParkedRecord,
    Rereading,
    RunKind,
    RunState,
    Stream,
    StreamName,
    SyncGap,
    SyncRun,
)
from integrations.models.told import ToldFigure

__all__ = [
    "LIVE_STATES",
    "CallLog",
    "Command",
    "ConnectAttempt",
    "Credential",
    "Endpoint",
    "ErasureMark",
    "FieldRule",
    "HandOver",
    "HandedFigure",
    "HandedParcel",
    "Heartbeat",
    "HubAppSecret",
    "NewsQueue",
    "ParcelHandOver",
    "ParkedRecord",
    "Phase",
    "PrivacyRequest",
    "Push",
    "RateBucket",
    "Reconciliation",
    "ReconciliationState",
    "Rereading",
    "RunKind",
    "RunState",
    "ScheduleSlot",
    "StockHandOver",
    "Store",
    "StoreBreaker",
    "StoreStatus",
    "Stream",
    "StreamName",
    "SyncGap",
    "SyncRun",
    "ToldFigure",
]
