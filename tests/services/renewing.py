"""One process that calls one store with its token, as any worker would. It says ``ready``, waits
for a line to come in, calls, and prints what came of it as a line of JSON.

``python -m tests.services.renewing STORE``, on the database that DATABASE_URL names.
"""

from __future__ import annotations

import json
import os
import sys
from hashlib import sha256
from typing import Any

import django


def call(store_id: str) -> dict[str, Any]:
    """``token`` is a digest of the one that the store took; ``code`` why there was none."""
    from integrations import authentication
    from integrations.errors import PlatformError
    from integrations.models import Store

    store = Store.objects.select_related("merchant", "data_key").get(pk=store_id)
    _say("ready")
    sys.stdin.readline()
    try:
        with authentication.adapter_for(store) as adapter:
            adapter.authenticate()
            assert adapter.connection.token is not None
            token = adapter.connection.token.current()
    except PlatformError as err:
        authentication.note_failure(store, err)
        return {"token": "", "code": err.code}
    return {"token": sha256(token.encode()).hexdigest(), "code": ""}


def _say(line: str) -> None:
    print(line, flush=True)  # noqa: T201 - read by the test


if __name__ == "__main__":
    os.environ.setdefault("DJANGO_SETTINGS_MODULE", "logix.settings")
    django.setup()
    _say(json.dumps(call(sys.argv[1])))
