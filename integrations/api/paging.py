"""Keyset pages: a cursor names the last row seen, so a deep page costs what the first one costs and
none is skipped.
"""

from __future__ import annotations

import base64
import binascii
from collections.abc import Sequence
from datetime import datetime
from typing import Any

import msgspec
from django.db.models import Q, QuerySet
from rest_framework.pagination import BasePagination
from rest_framework.request import Request
from rest_framework.response import Response
from rest_framework.utils.urls import replace_query_param

from integrations.api.errors import Refused

PAGE_SIZE = 50
MAX_PAGE_SIZE = 200
_LONGEST_CURSOR = 1000


class _Cursor(msgspec.Struct, array_like=True):
    """``order``: the ordering it belongs to; ``back``: the page before, not after; ``values`` of
    the row, as text.
    """

    order: str
    back: bool
    values: list[str]


class CursorPages(BasePagination):
    """Pages of a queryset ordered by ``view.ordering``, whose last field is unique and none is
    null.

    Rows may be model instances or dicts (``values()``).
    """

    ordering: tuple[str, ...] = ("-id",)

    def paginate_queryset(self, queryset: Any, request: Request, view: Any = None) -> list[Any]:
        self.request = request
        self.ordering = tuple(getattr(view, "ordering", None) or self.ordering)
        size = _page_size(request)
        cursor = self._read(request.query_params.get("cursor"))
        back = cursor is not None and cursor.back
        if cursor is not None:
            queryset = queryset.filter(_beyond(self.ordering, self._values(queryset, cursor), back))
        names = [_flipped(name) for name in self.ordering] if back else self.ordering
        rows: list[Any] = list(queryset.order_by(*names)[: size + 1])
        more = len(rows) > size
        del rows[size:]
        if back:
            rows.reverse()
        self.next = self._link(rows[-1:], False) if (more or back) else None
        self.previous = (
            self._link(rows[:1], True) if (cursor and not back) or (back and more) else None
        )
        return rows

    def get_paginated_response(self, data: Any) -> Response:
        return Response({"next": self.next, "previous": self.previous, "results": data})

    def get_paginated_response_schema(self, schema: dict[str, Any]) -> dict[str, Any]:
        link = {"type": ["string", "null"], "format": "uri"}
        return {
            "type": "object",
            "required": ["next", "previous", "results"],
            "properties": {
                "next": {**link, "description": "Address of the next page, null on the last."},
                "previous": {**link, "description": "Address of the page before."},
                "results": schema,
            },
        }

    def get_schema_operation_parameters(self, view: Any) -> list[dict[str, Any]]:
        return [
            {
                "name": "cursor",
                "in": "query",
                "required": False,
                "description": "Take it from `next` or `previous`; it means nothing else.",
                "schema": {"type": "string"},
            },
            {
                "name": "page_size",
                "in": "query",
                "required": False,
                "description": f"Rows a page, {PAGE_SIZE} if left out.",
                "schema": {"type": "integer", "minimum": 1, "maximum": MAX_PAGE_SIZE},
            },
        ]

    def _link(self, edge: Sequence[Any], back: bool) -> str | None:
        if not edge:
            return None
        values = [_as_text(_value(edge[0], name.lstrip("-"))) for name in self.ordering]
        cursor = _Cursor(",".join(self.ordering), back, values)
        text = base64.urlsafe_b64encode(msgspec.json.encode(cursor)).decode().rstrip("=")
        here = self.request.build_absolute_uri()
        return replace_query_param(here, "cursor", text)

    def _read(self, text: str | None) -> _Cursor | None:
        if not text:
            return None
        try:
            if len(text) > _LONGEST_CURSOR:
                raise ValueError("too long")
            padded = text + "=" * (-len(text) % 4)
            raw = base64.b64decode(padded.encode("ascii"), altchars=b"-_", validate=True)
            cursor = msgspec.json.decode(raw, type=_Cursor)
        except (ValueError, binascii.Error, msgspec.MsgspecError) as err:
            raise _bad_cursor() from err
        if cursor.order != ",".join(self.ordering) or len(cursor.values) != len(self.ordering):
            raise _bad_cursor()
        return cursor

    def _values(self, queryset: QuerySet[Any], cursor: _Cursor) -> list[Any]:
        try:
            return [
                queryset.model._meta.get_field(name.lstrip("-")).to_python(value)
                for name, value in zip(self.ordering, cursor.values, strict=True)
            ]
        except Exception as err:
            raise _bad_cursor() from err


def _beyond(ordering: Sequence[str], values: Sequence[Any], back: bool) -> Q:
    """Rows after (or before) ``values``. The first field is bounded on its own too: that is what
    lets both databases begin reading an index at the right place.
    """
    condition = Q()
    for name, value in reversed(list(zip(ordering, values, strict=True))):
        descending = name.startswith("-") is not back
        field = name.lstrip("-")
        strictly = Q(**{f"{field}__{'lt' if descending else 'gt'}": value})
        if not condition:
            condition = strictly
            continue
        bound = Q(**{f"{field}__{'lte' if descending else 'gte'}": value})
        condition = bound & (strictly | condition)
    return condition


def _page_size(request: Request) -> int:
    text = request.query_params.get("page_size")
    if text is None:
        return PAGE_SIZE
    if not text.isascii() or not text.isdigit() or not 1 <= int(text[:6]) <= MAX_PAGE_SIZE:
        raise Refused(400, "bad_page_size", f"page_size is a number from 1 to {MAX_PAGE_SIZE}.")
    return int(text)


def _bad_cursor() -> Refused:
    return Refused(400, "bad_cursor", "The cursor is not one of this list. Begin again without it.")


def _flipped(name: str) -> str:
    return name[1:] if name.startswith("-") else f"-{name}"


def _value(row: Any, name: str) -> Any:
    return row[name] if isinstance(row, dict) else getattr(row, name)


def _as_text(value: Any) -> str:
    return value.isoformat() if isinstance(value, datetime) else str(value)
