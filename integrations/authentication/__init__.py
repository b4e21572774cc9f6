"""Authentication Manager: the one door to a store. Keeps its credentials sealed, renews what runs
out, and hands out adapters that hold them.

``adapter_for`` is what everybody uses: a ready adapter for the length of a ``with`` block. Calls
are made outside of transactions.
"""

from integrations.authentication.aging import STEPS, Ending, ending_soon, endings
from integrations.authentication.credentials import (
    GRANTED,
    Held,
    Keys,
    app_before,
    held,
    keep_beside,
    missing_of,
    read_credentials,
    save_credentials,
    void,
)
from integrations.authentication.door import PROBE_TOTAL_S, adapter_for, probe
from integrations.authentication.granting import from_app, from_code, from_refresh_token
from integrations.authentication.noting import note_failure, note_success
from integrations.authentication.oauth_apps import (
    app_id,
    hub_app,
    needed_app,
    note_hub_apps,
    own_app,
)
from integrations.authentication.sealing import open_sealed, seal, webhook_url
from integrations.authentication.tokens import ENDS_SOON, refresh_due

__all__ = [
    "ENDS_SOON",
    "GRANTED",
    "PROBE_TOTAL_S",
    "STEPS",
    "Ending",
    "Held",
    "Keys",
    "adapter_for",
    "app_before",
    "app_id",
    "ending_soon",
    "endings",
    "from_app",
    "from_code",
    "from_refresh_token",
    "held",
    "hub_app",
    "keep_beside",
    "missing_of",
    "needed_app",
    "note_failure",
    "note_hub_apps",
    "note_success",
    "open_sealed",
    "own_app",
    "probe",
    "read_credentials",
    "refresh_due",
    "save_credentials",
    "seal",
    "void",
    "webhook_url",
]
