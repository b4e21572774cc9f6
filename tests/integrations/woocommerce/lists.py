"""A list of orders at a site, and what was read from it."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime, timedelta
from typing import Any

from integrations.base import Filters, Page, ReadBy
from tests.integrations.woocommerce.make import DAY
from tests.integrations.woocommerce.site import Shelf, Site

ORDERS = "wc/v3/orders"
START = datetime.fromisoformat(f"{DAY}T10:00:00+00:00")
NOTICE = (
    b"<br />\n<b>Warning</b>:  Undefined array key in <b>/srv/plugins/x.php</b> on line <b>3</b>"
)


def shelf(site: Site, *rows: dict[str, Any], **moods: Any) -> Shelf:
    made = Shelf(list(rows), **moods)
    site.on("GET", ORDERS, made)
    return made


def numbers(pages: Iterable[Page[Any]]) -> list[str]:
    return [record.external_id for found in pages for record in found.records]


def since(**about: Any) -> Filters:
    return Filters(since=START, **about)


def window(size: int = 2, **about: Any) -> Filters:
    end = START + timedelta(minutes=30)
    return Filters(since=START, until=end, by=ReadBy.PLACED, page_size=size, **about)
