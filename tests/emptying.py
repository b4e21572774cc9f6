"""What a test that commits leaves behind is deleted: afterwards the database is as the migrations
made it.

Django's own way (``flush``) truncates every table, which makes some hundred files anew on
PostgreSQL, and then looks for all content types and permissions: seconds after each test.
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import cache
from typing import Any

from django.db import connection, transaction
from django.db.backends.utils import CursorWrapper
from django_celery_beat.models import IntervalSchedule, PeriodicTask

from integrations import schedule

# Made from the models alone; no test changes them.
_LASTING = frozenset({"django_content_type", "auth_permission"})
# The clock's ticks: left as they are while they are those that were laid.
_TICKS = {model._meta.db_table: model for model in (IntervalSchedule, PeriodicTask)}
_laid: list[Any] = []
# PostgreSQL refuses to delete its rows (accounts/0003); to truncate it is not refused.
_APPEND_ONLY = "accounts_auditevent"


def empty(_case: Any = None) -> None:
    """Delete the rows of every table that has any, and see that the clock's ticks are laid."""
    kept = _TICKS.keys() if _ticks() == _laid else ()
    tables = [table for table in _tables() if table not in kept]
    on_postgres = connection.vendor == "postgresql"
    with transaction.atomic(), connection.cursor() as cursor:
        if on_postgres:
            # Who is still writing is waited for.
            cursor.execute(f"LOCK TABLE {', '.join(tables)} IN EXCLUSIVE MODE")
        for table in _filled(cursor, tables):
            verb = "TRUNCATE" if on_postgres and table == _APPEND_ONLY else "DELETE FROM"
            cursor.execute(f"{verb} {table}")
    if not kept:
        schedule.ensure()
        _laid[:] = _ticks()


def _ticks() -> list[Any]:
    return [row for model in _TICKS.values() for row in model.objects.order_by("pk").values_list()]


@cache
def _tables() -> list[str]:
    known = connection.introspection.django_table_names(only_existing=True, include_views=False)
    return sorted(set(known) - _LASTING)


def _filled(cursor: CursorWrapper, tables: Sequence[str]) -> list[str]:
    asked = (f"SELECT '{table}' WHERE EXISTS (SELECT 1 FROM {table})" for table in tables)  # noqa: S608 - our own names
    cursor.execute(" UNION ALL ".join(asked))
    return [table for (table,) in cursor.fetchall()]
