"""Status words and field rules, tried on the orders that are kept before they count."""

from __future__ import annotations

from typing import Any

from integrations import connect, sync
from integrations.mapping.rules import Mode, Rule
from integrations.models import FieldRule, ParkedRecord, Rereading, Store
from orders.models import Order
from tests.factories import make_order
from tests.integrations.sync import toy
from tests.integrations.sync.conftest import ago, make_run, orders, run_to_end
from tests.integrations.sync.test_rereading import explain, states, wait_for

GIFT: dict[str, Any] = {"path": "meta.gift", "target": "custom.gift"}


def kept() -> list[Any]:
    return list(Order.objects.order_by("pk").values("import_state", "revision", "digest", "custom"))


def compiled(store: Store, **rule: Any) -> Rule:
    return sync.check_rule(store, FieldRule(store=store, stream="orders", **{**GIFT, **rule}))


def test_words_are_tried_on_the_orders_that_wait_for_them(
    store: Store, shop: toy.MovingShop
) -> None:
    wait_for(store, shop, 1, 2)
    wait_for(store, shop, 3, word="sent")
    before = kept()

    tried = sync.try_words(store, {"packed": "processing"})

    assert (tried.waiting, tried.later) == ({"packed": 2}, 0)
    assert [x.order.external_id for x in tried.named] == ["1001", "1002"]
    assert {x.before["import_state"] for x in tried.named} == {"needs_review"}
    assert kept() == before
    assert not Rereading.objects.exists()

    explain(store, packed="processing")
    assert sync.reread_due_orders() == sum(tried.waiting.values())

    assert {x.order.external_id: x.after["import_state"] for x in tried.named} == {
        key: state for key, state in states(store).items() if key in ("1001", "1002")
    }


def test_no_more_than_ten_orders_are_asked_for(store: Store, shop: toy.MovingShop) -> None:
    wait_for(store, shop, *range(1, 13))

    tried = sync.try_words(store, {"packed": "processing"})

    assert tried.waiting == {"packed": 12}
    assert (len(tried.named), len(shop.asked_ids)) == (10, 10)


def test_words_that_mean_what_they_meant_change_nothing(store: Store, shop: toy.MovingShop) -> None:
    wait_for(store, shop, 1)
    connect.change_store(store, actor="user:anna", options={"status_words": {"sent": "completed"}})

    assert sync.try_words(store, {"sent": "completed"}).waiting == {}
    assert not shop.asked_ids


def test_a_rule_changes_as_many_orders_as_its_trial_said(
    store: Store, shop: toy.MovingShop
) -> None:
    shop.add(*orders(4, ago(hours=3)))
    shop.add(make_order(9, placed_at=ago(hours=3), changed_at=ago(hours=3), raw=b'{"id": 1009}'))
    run_to_end(make_run(store))
    before = kept()

    tried = sync.try_rules(store, [compiled(store)])
    strict = sync.try_rules(store, [compiled(store, mode=Mode.REQUIRED)])

    assert (tried.looked_at, tried.is_all, tried.differ, tried.set_aside) == (5, True, 4, 0)
    assert (strict.differ, strict.set_aside) == (4, 1)
    assert kept() == before

    sync.save_rule(store, actor="user:anna", **GIFT, mode=Mode.REQUIRED)
    again = run_to_end(make_run(store))

    assert (again.changed, again.parked) == (strict.differ, strict.set_aside)
    assert ParkedRecord.objects.count() == 1
    assert Order.objects.filter(custom__gift="yes").count() == tried.differ
