"""What an import leaves behind in the memory of its process."""

from __future__ import annotations

import gc
from collections.abc import Iterator

import pytest

from orders.drafting import Draft
from tests.factories import make_order, make_store
from tests.orders.shop import bring, level, stock

pytestmark = pytest.mark.django_db


@pytest.fixture
def _nothing_is_collected() -> Iterator[None]:
    gc.collect()
    gc.disable()
    yield
    gc.enable()


@pytest.mark.usefixtures("_nothing_is_collected")
def test_an_import_leaves_none_of_its_orders_to_the_garbage_collector() -> None:
    """A caught error that is kept holds the frames of all who called: a page each time."""
    store = make_store()
    stock(store)

    bring(store, make_order())

    assert level().reserved == 2
    assert [x for x in gc.get_objects() if type(x) is Draft] == []
