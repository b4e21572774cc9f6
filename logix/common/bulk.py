"""One door for set-based writes: many rows of one table in one statement, on PostgreSQL and SQLite
alike.

PostgreSQL gets all rows as one JSON parameter (``json_populate_recordset``), SQLite as one VALUES
list. Rows are plain dicts keyed by column attribute (``order_id``, not ``order``), all with the
same keys; keys are made by the caller (``ids.uuid7``), so nothing has to be read back.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from functools import lru_cache
from typing import Any

import msgspec
from django.db import connection, models

# SQLite's default ceiling is 32,766 variables a statement; half of it keeps statements small.
_SQLITE_VARIABLES = 16_000

Row = Mapping[str, Any]
_encoder = msgspec.json.Encoder()


def insert(
    model: type[models.Model], rows: Sequence[Row], *, ignore_conflicts: bool = False
) -> set[Any]:
    """Insert all rows; return the primary keys written. With ``ignore_conflicts`` a row that would
    break any unique constraint is left out, and its key is missing from the answer.
    """
    if not rows:
        return set()
    names = list(rows[0])
    table = _table(model)
    columns = ", ".join(_column(model, name) for name in names)
    tail = " ON CONFLICT DO NOTHING" if ignore_conflicts else ""
    pk = model._meta.pk.attname
    # All or nothing, and the caller made the keys: there is nothing to read back.
    made = {row[pk] for row in rows} if pk in names and not ignore_conflicts else None
    returning = f" RETURNING {_pk(model)}" if made is None else ""
    if connection.vendor == "postgresql":
        written = _run(
            f"INSERT INTO {table} ({columns}) SELECT {columns} "  # noqa: S608 - names come from models
            f"FROM json_populate_recordset(NULL::{table}, %s::json){tail}{returning}",
            [_as_json(model, rows)],
            model,
            beside=len(rows) > 1,
        )
        return written if made is None else made
    written = set()
    adapters = _adapters(model, tuple(names))
    place = "(" + ", ".join(["%s"] * len(names)) + ")"
    step = max(1, _SQLITE_VARIABLES // len(names))
    for start in range(0, len(rows), step):
        part = rows[start : start + step]
        values = [adapt(row[name]) for row in part for name, adapt in adapters]
        written |= _run(
            f"INSERT INTO {table} ({columns}) VALUES {', '.join([place] * len(part))}"  # noqa: S608
            f"{tail}{returning}",
            values,
            model,
        )
    return written if made is None else made


def update(
    model: type[models.Model], rows: Sequence[Row], *, versioned: str | None = None
) -> set[Any]:
    """Update all rows by primary key; return the keys that were changed.

    With ``versioned`` that column must hold the new version in each row, and a row is only written
    while the table still holds the version before it: whoever was faster wins, the loser's key is
    missing from the answer. Call inside the transaction that read the rows.
    """
    if not rows:
        return set()
    pk = model._meta.pk.attname
    names = [name for name in rows[0] if name != pk]
    table = _table(model)
    if connection.vendor == "postgresql":
        sets = ", ".join(f"{_column(model, n)} = v.{_column(model, n)}" for n in names)
        guard = ""
        if versioned:
            column = _column(model, versioned)
            guard = f" AND {table}.{column} = v.{column} - 1"
        return _run(
            f"UPDATE {table} SET {sets} FROM json_populate_recordset(NULL::{table}, %s::json) v "  # noqa: S608
            f"WHERE {table}.{_pk(model)} = v.{_pk(model)}{guard} RETURNING {table}.{_pk(model)}",
            [_as_json(model, rows)],
            model,
            beside=len(rows) > 1,
        )
    sets = ", ".join(f"{_column(model, n)} = %s" for n in names)
    guard = f" AND {_column(model, versioned)} = %s" if versioned else ""
    adapters = _adapters(model, (*names, pk))
    values = [
        [adapt(row[name]) for name, adapt in adapters] + ([row[versioned] - 1] if versioned else [])
        for row in rows
    ]
    with connection.cursor() as cursor:
        cursor.executemany(
            f"UPDATE {table} SET {sets} WHERE {_pk(model)} = %s{guard}",  # noqa: S608
            values,
        )
        changed = cursor.rowcount
    keys = {row[pk] for row in rows}
    if changed == len(rows) or not versioned:
        return keys if changed == len(rows) else _existing(model, keys)
    wanted = {row[pk]: row[versioned] for row in rows}
    found = model._default_manager.filter(pk__in=keys).values_list("pk", versioned)
    return {key for key, version in found if version == wanted[key]}


def _existing(model: type[models.Model], keys: set[Any]) -> set[Any]:
    return set(model._default_manager.filter(pk__in=keys).values_list("pk", flat=True))


def _run(
    sql: str, params: list[Any], model: type[models.Model], *, beside: bool = False
) -> set[Any]:
    with _binding_cursor() if beside else connection.cursor() as cursor:
        cursor.execute(sql, params)
        keys = [row[0] for row in cursor.fetchall()] if cursor.description else []
    convert = model._meta.pk.to_python
    return {convert(key) for key in keys}


def _binding_cursor() -> Any:
    """Sends a parameter beside the statement. Django's own cursor quotes it into the text, which
    costs more than making it where it holds a whole page of rows.
    """
    from django.db.backends.postgresql.base import ServerBindingCursor

    connection.ensure_connection()
    # The way of ``connection.cursor()`` itself: wrappers and query logs see the statement.
    cursor: Any = ServerBindingCursor(connection.connection)  # type: ignore[call-arg]
    return connection._prepare_cursor(cursor)  # type: ignore[attr-defined]  # nor is this in the stubs


def _as_json(model: type[models.Model], rows: Sequence[Row]) -> str:
    """PostgreSQL reads bytes as ``\\x…`` hex and decimals as text; everything else msgspec writes
    as JSON does.
    """
    binary = [name for name in rows[0] if name in _binary_names(model)]
    if binary:
        rows = [
            {**row, **{n: None if row[n] is None else "\\x" + row[n].hex() for n in binary}}
            for row in rows
        ]
    return _encoder.encode(rows).decode()


@lru_cache(maxsize=128)
def _binary_names(model: type[models.Model]) -> frozenset[str]:
    return frozenset(
        f.attname for f in model._meta.concrete_fields if isinstance(f, models.BinaryField)
    )


@lru_cache(maxsize=256)
def _adapters(
    model: type[models.Model], names: tuple[str, ...]
) -> list[tuple[str, Callable[[Any], Any]]]:
    fields = {f.attname: f for f in model._meta.concrete_fields}
    return [(name, _adapter(fields[name])) for name in names]


def _adapter(field: models.Field[Any, Any]) -> Callable[[Any], Any]:
    target = field.target_field if isinstance(field, models.ForeignKey) else field
    return lambda value: (
        None if value is None else target.get_db_prep_save(value, connection=connection)
    )


def _table(model: type[models.Model]) -> str:
    return connection.ops.quote_name(model._meta.db_table)


def _pk(model: type[models.Model]) -> str:
    return connection.ops.quote_name(str(model._meta.pk.column))


def _column(model: type[models.Model], attname: str) -> str:
    return _columns(model)[attname]


@lru_cache(maxsize=128)
def _columns(model: type[models.Model]) -> dict[str, str]:
    return {
        f.attname: connection.ops.quote_name(str(f.column or f.attname))
        for f in model._meta.concrete_fields
    }
