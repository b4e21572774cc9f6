"""Everything an account knows that is kept: plain data, one tree, so that a file can hold it."""

from __future__ import annotations

from decimal import Decimal

from msgspec import Struct

from integrations.sandbox.amazon.feeds.models import Feed
from integrations.sandbox.amazon.files import File
from integrations.sandbox.amazon.listings.models import Listing, Submission
from integrations.sandbox.amazon.login.models import Login
from integrations.sandbox.amazon.notifications.models import Destination, Subscription
from integrations.sandbox.amazon.orders.models import Order, Return
from integrations.sandbox.amazon.outbound.models import Outbound
from integrations.sandbox.amazon.reports.models import Report


class Due(Struct, order=True):
    """Something that happens at its time: ``kind`` says what, ``key`` to which thing."""

    at: float
    turn: int
    kind: str
    key: str


class State(Struct):
    """``last`` are the numbers given out last, by kind. ``due`` is a heap. ``reserves`` is what was
    kept back of the last settlement, by currency.
    """

    seeded_at: int
    login: Login
    orders: dict[str, Order] = {}
    returns: list[Return] = []
    listings: dict[str, Listing] = {}
    outbound: dict[str, Outbound] = {}
    submissions: dict[str, Submission] = {}
    reports: dict[str, Report] = {}
    reserves: dict[str, Decimal] = {}
    feeds: dict[str, Feed] = {}
    files: dict[str, File] = {}
    destinations: dict[str, Destination] = {}
    subscriptions: dict[str, Subscription] = {}
    due: list[Due] = []
    last: dict[str, int] = {}
