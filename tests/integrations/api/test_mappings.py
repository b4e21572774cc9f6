"""Field rules over the API: kept when they can work, tried before they count, applied after."""

from __future__ import annotations

from typing import Any

import pytest
from django.utils import timezone

from integrations.models import FieldRule, ParkedRecord, Store, Stream
from logix.accounts.models import AuditEvent, Merchant, Scope
from orders.models import Order, OrderPayload
from tests import factories
from tests.integrations.api.client import Api, api_for, import_orders

GIFT = {"path": "meta.gift", "target": "custom.gift", "cast": "boolean"}


@pytest.fixture
def rules(store: Store) -> str:
    return f"/integrations/{store.pk}/mappings"


def test_a_rule_is_made_listed_changed_and_removed(api: Api, rules: str) -> None:
    made = api.post(rules, {**GIFT, "value_map": {"yes": True}, "position": 3})

    assert made.status_code == 201, made.content
    rule = made.json()
    assert (rule["cast"], rule["mode"], rule["enabled"]) == ("boolean", "set", True)
    assert api.get(rules).json()["results"] == [rule]
    one = f"{rules}/{rule['id']}"
    assert api.get(one).json() == rule

    changed = api.patch(one, {"mode": "fill", "default": None}).json()
    assert changed == {**rule, "mode": "fill"}

    assert api.delete(one).status_code == 204
    assert api.get(one).status_code == 404
    trail = AuditEvent.objects.filter(action__startswith="rule.").order_by("pk")
    assert [event.action for event in trail] == ["rule.created", "rule.changed", "rule.removed"]


@pytest.mark.parametrize(
    ("change", "word"),
    [
        ({"path": "a..b"}, "cannot be read"),
        ({"target": "total"}, "cannot be set"),
        ({"target": "custom."}, "cannot be set"),
        ({"target": "number", "cast": "integer"}, "holds text"),
        ({"target": "number", "stream": "products"}, "cannot be set"),
        ({"cast": "money"}, "not a valid choice"),
        ({"mode": "always"}, "not a valid choice"),
        ({"value_map": [1]}, "dictionary"),
    ],
)
def test_a_rule_that_cannot_work_is_refused_and_not_kept(
    api: Api, rules: str, change: dict[str, Any], word: str
) -> None:
    answer = api.post(rules, {**GIFT, **change})

    assert answer.status_code == 400, answer.content
    assert word in answer.json()["detail"]
    assert not FieldRule.objects.exists()


def test_two_rules_for_one_field_are_one_too_many(api: Api, rules: str) -> None:
    first = api.post(rules, GIFT).json()

    answer = api.post(rules, {**GIFT, "path": "meta.present"})

    assert answer.status_code == 400
    assert "sets “custom.gift” already" in answer.json()["detail"]
    api.patch(f"{rules}/{first['id']}", {"enabled": False})
    assert api.post(rules, {**GIFT, "path": "meta.present"}).status_code == 201


def test_a_rule_counts_from_the_next_record_on(api: Api, rules: str, store: Store) -> None:
    api.post(rules, {**GIFT})

    order = import_orders(store, [factories.make_order(1)])[0]

    assert order.custom == {"gift": True}


def test_a_rule_that_is_mended_lets_the_parked_record_in(
    api: Api, rules: str, store: Store
) -> None:
    made = api.post(rules, {**GIFT, "path": "meta.colour", "mode": "required"}).json()
    record = factories.make_order(1)
    with pytest.raises(Order.DoesNotExist):
        import_orders(store, [record])
    parked = ParkedRecord.objects.get()
    assert (parked.code, parked.path) == ("rule_failed", "meta.colour")
    ParkedRecord.objects.update(next_at=None)  # given up

    api.patch(f"{rules}/{made['id']}", {"path": "meta.gift"})

    parked.refresh_from_db()
    assert parked.next_at is not None
    assert parked.next_at <= timezone.now()
    assert import_orders(store, [record])[0].custom == {"gift": True}


def test_a_path_that_stumbles_over_one_record_parks_that_record_alone(
    api: Api, rules: str, store: Store
) -> None:
    """``length`` of a number is an error of the path language, and was one of the whole page."""
    api.post(rules, {"path": "length(meta.gift)", "target": "custom.n", "cast": "integer"})
    good, bad = factories.make_order(1), factories.make_order(2, raw=b'{"meta": {"gift": 7}}')

    with pytest.raises(Order.DoesNotExist):
        import_orders(store, [good, bad])

    assert Order.objects.get().custom == {"n": 3}
    assert ParkedRecord.objects.get().external_id == "1002"


def test_a_rule_written_past_the_forms_stops_nothing_and_is_named(
    api: Api, rules: str, store: Store
) -> None:
    FieldRule.objects.create(store=store, path="a..b", target="custom.x")
    api.post(rules, GIFT)

    order = import_orders(store, [factories.make_order(1)])[0]

    assert order.custom == {"gift": True}
    health = api.get(f"/integrations/{store.pk}/health").json()
    assert health["level"] == "bad"
    assert "a..b → custom.x” cannot work" in health["found"][0]["what"]


def test_a_preview_shows_before_and_after_and_writes_nothing(
    api: Api, store: Store, order: Order
) -> None:
    rules = [
        GIFT,
        {"path": "meta.gift", "target": "number"},
        {"path": "meta.gift", "target": "number", "mode": "fill"},
        {"path": "meta.colour", "target": "custom.colour", "mode": "required"},
    ]

    answer = api.post("/mappings/preview", {"store": str(store.pk), "rules": rules})

    assert answer.status_code == 200, answer.content
    tried = {"before": None, "after": None, "problem": ""}
    missing = "“custom.colour” is required, and nothing was found at meta.colour."
    assert answer.json()["results"] == [
        {
            "order": str(order.pk),
            "number": "1001",
            "problem": "",
            "rules": [
                {**tried, "target": "custom.gift", "after": True},
                {**tried, "target": "number", "before": "1001", "after": "yes"},
                {**tried, "target": "number", "before": "1001", "after": "1001"},
                {**tried, "target": "custom.colour", "problem": missing},
            ],
        }
    ]
    order.refresh_from_db()
    assert (order.number, order.custom) == ("1001", {})
    assert not FieldRule.objects.exists()
    assert AuditEvent.objects.get(action="rules.previewed").details == {"orders": ["1001"]}


def test_a_preview_takes_the_saved_rules_and_the_orders_named(
    api: Api, rules: str, store: Store, order: Order
) -> None:
    later = import_orders(store, [factories.make_order(2)])[0]
    api.post(rules, GIFT)

    def shown(**asked: Any) -> list[str]:
        answer = api.post("/mappings/preview", {"store": str(store.pk), **asked})
        return [result["number"] for result in answer.json()["results"]]

    assert sorted(shown()) == ["1001", "1002"]
    assert shown(orders=[str(later.pk), str(order.pk)]) == ["1002", "1001"]


def test_a_preview_says_when_the_stores_record_has_expired(
    api: Api, store: Store, order: Order
) -> None:
    OrderPayload.objects.all().delete()

    result = api.post("/mappings/preview", {"store": str(store.pk), "rules": [GIFT]}).json()

    assert result["results"][0]["problem"] == (
        "The store's own record of this order is no longer kept."
    )


def test_a_preview_of_an_unknown_order_or_rule_says_which(api: Api, store: Store) -> None:
    asked = {"store": str(store.pk), "rules": [GIFT]}
    nobody = "00000000-0000-7000-8000-000000000000"

    unknown = api.post("/mappings/preview", {**asked, "orders": [nobody]})
    broken = api.post("/mappings/preview", {**asked, "rules": [{**GIFT, "path": "a..b"}]})

    assert nobody in unknown.json()["detail"]
    assert "cannot be read" in broken.json()["detail"]
    assert (unknown.status_code, broken.status_code) == (400, 400)


def test_a_preview_needs_the_right_to_see_buyers(merchant: Merchant, store: Store) -> None:
    answer = api_for(merchant, Scope.READ, Scope.STORES_WRITE).post(
        "/mappings/preview", {"store": str(store.pk)}
    )

    assert (answer.status_code, answer.json()["code"]) == (403, "scope_missing")


def test_rules_of_products_set_custom_fields_of_listings(api: Api, rules: str) -> None:
    answer = api.post(rules, {"stream": "products", "path": "brand", "target": "custom.brand"})

    assert answer.status_code == 201, answer.content
    assert answer.json()["stream"] == "products"
    assert not Stream.objects.filter(failures__gt=0).exists()


OUT = {"direction": "out", "path": "number", "target": "erp_number"}


def test_a_rule_that_goes_out_is_made_and_checked_for_its_platform(api: Api, rules: str) -> None:
    made = api.post(rules, OUT)
    reserved = api.post(rules, {**OUT, "target": "_logix_shipments"})
    blank = api.post(rules, {**OUT, "target": "a\tb"})
    products = api.post(rules, {**OUT, "stream": "products", "target": "erp_x"})

    assert made.status_code == 201, made.content
    assert made.json()["direction"] == "out"
    assert "used by WooCommerce or by Logix itself" in reserved.json()["detail"]
    assert "cannot be a key in the store" in blank.json()["detail"]
    assert "Only fields of orders" in products.json()["detail"]
    assert {a.status_code for a in (reserved, blank, products)} == {400}
    assert FieldRule.objects.count() == 1


def test_an_outbound_rule_leaves_incoming_orders_as_they_are(
    api: Api, rules: str, store: Store
) -> None:
    api.post(rules, OUT)

    assert import_orders(store, [factories.make_order(1)])[0].custom == {}


def test_a_preview_shows_what_would_be_told_to_the_store(
    api: Api, store: Store, order: Order
) -> None:
    OrderPayload.objects.all().delete()
    rules = [
        OUT,
        {**OUT, "path": "total", "target": "erp_total", "cast": "decimal"},
        {**OUT, "path": "shipments[0].tracking_number", "target": "erp_t", "mode": "required"},
    ]

    answer = api.post("/mappings/preview", {"store": str(store.pk), "rules": rules})

    assert answer.status_code == 200, answer.content
    tried = {"before": None, "after": None, "problem": ""}
    missing = "“erp_t” is required, and nothing was found at shipments[0].tracking_number."
    assert answer.json()["results"][0]["rules"] == [
        {**tried, "target": "erp_number", "after": "1001"},
        {**tried, "target": "erp_total", "after": "28.75"},
        {**tried, "target": "erp_t", "problem": missing},
    ]


def test_outbound_rules_read_the_order_as_the_api_shows_it(
    api: Api, store: Store, order: Order
) -> None:
    whole = {**OUT, "path": "@", "cast": "json"}

    answer = api.post("/mappings/preview", {"store": str(store.pk), "rules": [whole]})

    shown = api.get(f"/orders/{order.pk}").json()
    # Nor is a payout or a fee of the platform's, or what somebody has to decide, a change of the
    # order, which would have the store told of it.
    moving = ("changed_at", "observed_at", "applied_at", "commands", "payout_lines", "conflict")
    fees = ("platform_fees", "platform_fees_total", "platform_fees_settled")
    for name in (*moving, *fees):
        del shown[name]
    assert answer.json()["results"][0]["rules"][0]["after"] == shown


def test_a_preview_tries_the_saved_rules_of_both_directions(
    api: Api, rules: str, store: Store, order: Order
) -> None:
    api.post(rules, OUT)
    api.post(rules, GIFT)

    answer = api.post("/mappings/preview", {"store": str(store.pk)})

    tried = answer.json()["results"][0]["rules"]
    assert [(t["target"], t["after"]) for t in tried] == [
        ("erp_number", "1001"),
        ("custom.gift", True),
    ]
