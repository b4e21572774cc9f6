"""What a migration leaves behind besides tables of models."""

from __future__ import annotations

from typing import Any

import pytest
from django.core.cache import caches
from django.core.management.sql import emit_post_migrate_signal
from django.db import connection

_IN_DATABASE = {
    "default": {
        "BACKEND": "django.core.cache.backends.db.DatabaseCache",
        "LOCATION": "logix_test_cache",
    }
}


@pytest.mark.django_db
def test_a_cache_in_the_database_has_its_table_after_migrate(settings: Any) -> None:
    """RabbitMQ without Redis: the API counts its callers in this table, and fails without it."""
    settings.CACHES = _IN_DATABASE

    emit_post_migrate_signal(verbosity=0, interactive=False, db="default")
    emit_post_migrate_signal(verbosity=0, interactive=False, db="default")

    assert "logix_test_cache" in connection.introspection.table_names()
    caches["default"].set("calls", 3)
    assert caches["default"].get("calls") == 3
