"""The API reference has every route once, and each of its examples is answered as it says."""

from __future__ import annotations

import re
import shlex
from typing import Any, NamedTuple

import pytest
from django.db import transaction
from django.db.models import Model

from integrations.base import Unreadable
from integrations.models import (
    FieldRule,
    ParcelHandOver,
    ParkedRecord,
    Push,
    RunState,
    Store,
    Stream,
    SyncRun,
)
from integrations.sync import park
from inventory import catalogue, condition, ledger, linkruns
from inventory.data import PartData, VariantData
from inventory.linkruns import Made
from inventory.links import Former
from inventory.models import (
    Allocation,
    Bucket,
    Listing,
    Location,
    Product,
    StockLevel,
    StockRule,
    StoreLocation,
    Variant,
)
from logix.accounts.models import AuditEvent, Merchant, Scope
from logix.common.ids import uuid7
from orders import services
from orders.models import Conflict, GoodsDecision, Order, Oversell, Return, ReturnLine
from tests import factories
from tests.conftest import ROOT
from tests.integrations.api.client import (
    Api,
    import_payouts,
    import_products,
    make_comparison,
    make_depot,
    make_seller,
)
from tests.integrations.api.routes import is_twin, operations
from tests.integrations.api.shop import Shop
from tests.orders.shop import parcel, refund

PAGE = (ROOT / "docs" / "integrations" / "API_REFERENCE.md").read_text(encoding="utf-8")
_ENTRY = re.compile(
    r"^### `(?P<method>[A-Z]+) (?P<path>/\S+)`\n(?P<words>.+?)```bash\n(?P<code>.+?)```\n"
    r"→ (?P<status>\d{3})$",
    re.DOTALL | re.MULTILINE,
)
_HEADING = re.compile(r"^### `([A-Z]+) (/\S+)`$", re.MULTILINE)


class Example(NamedTuple):
    method: str
    path: str
    command: list[str]
    status: int


class Undo(Exception):
    """Ends an example's transaction without keeping it."""


def examples() -> list[Example]:
    return [
        Example(
            found["method"],
            found["path"],
            shlex.split(found["code"].replace("\\\n", " ")),
            int(found["status"]),
        )
        for found in _ENTRY.finditer(PAGE)
    ]


def test_every_route_stands_in_the_reference_once_and_no_other() -> None:
    described = [
        (o.method.upper(), o.path.removeprefix("/api/v1"))
        for o in operations()
        if not is_twin(o.path)
    ]

    assert sorted(_HEADING.findall(PAGE)) == sorted(described)


def test_every_entry_has_an_example_of_its_own_route() -> None:
    assert len(examples()) == len(_HEADING.findall(PAGE))

    for example in examples():
        method, path, _, _ = as_request(example.command, {})
        assert method == example.method, example
        pattern = re.sub(r"\{\w+\}", r"[^/?]+", example.path)
        assert re.fullmatch(rf"{pattern}(\?.*)?", path), example


def test_every_scope_is_explained() -> None:
    rows = re.findall(r"^\| `([a-z:]+)` \| ", PAGE, re.MULTILINE)

    assert rows == list(Scope)


@pytest.fixture
def ids(
    api: Api, connected: Store, shop: Shop, merchant: Merchant, settings: Any
) -> dict[str, str]:
    """What the examples name."""
    settings.LOGIX_PUBLIC_URL = "https://hub.example"
    settings.LOGIX_OAUTH_APPS = {"shopify": "id:secret"}
    import_products(connected, 1)
    unlinked = Listing.objects.get()
    unlinked.pk, unlinked.external_variant_id, unlinked.variant = uuid7(), "other", None
    unlinked.save(force_insert=True)
    told = {2: (factories.make_return(),)}
    shop.orders = {str(1000 + n): factories.make_order(n, returns=told.get(n)) for n in (1, 2, 3)}
    shop.orders["1004"] = factories.make_order(
        4, shipments=(parcel(2, external_id="f1"),), refunds=(refund(units=2),)
    )
    connected.options["refunds"] = "record"
    connected.save(update_fields=["options"])
    store = f"/woocommerce/integrations/{connected.pk}"
    for number in shop.orders:
        api.post(f"{store}/sync", {"order": number})
    order, shipped, edited, refunded = Order.objects.order_by("number")
    Order.objects.filter(pk=edited.pk).update(flags="cancel_requested,edited_after_import")
    Conflict.objects.create(order=edited, edited_at=factories.NOW, opened_at=factories.NOW)
    api.post(f"/orders/{shipped.pk}/shipments", {"carrier": "DHL"})
    lost = {"lines": [{"sku": "SKU-1", "nothing": 1}]}
    assert api.post(f"/orders/{refunded.pk}/refunded-goods", lost).status_code == 200
    paused = factories.make_store(merchant, status="paused", base_url="https://paused.example")
    stream = Stream.objects.get(store=connected, name="products")
    run = SyncRun.objects.create(
        store=connected, stream=stream, kind="backfill", state=RunState.QUEUED
    )
    held = SyncRun.objects.create(
        store=paused,
        stream=paused.streams.get(name="orders"),
        kind="backfill",
        state=RunState.PAUSED,
    )
    Stream.objects.filter(store=connected, name="orders").update(read_through=factories.NOW)
    boutique = factories.make_store(merchant, base_url="https://boutique.example")
    for number, name in enumerate(("Hauptlager", "Laden Köln"), start=61000001):
        StoreLocation.objects.create(store=boutique, external_id=str(number), name=name)
    api.post(f"/integrations/{connected.pk}/mappings", {"path": "id", "target": "custom.id"})
    park(connected, stream="orders", unreadable=Unreadable(external_id="1001", reason="Odd."))
    api.post("/stock/rules", {"store": str(connected.pk), "buffer": 1})
    level = StockLevel.objects.get()
    counted = {"variant": level.variant, "location": level.location, "set_to": 90}
    ledger.adjust(**counted, reason="Count", actor="user:anna")
    condition.keep_back(
        variant=level.variant,
        location=level.location,
        bucket=Bucket.DAMAGED,
        delta=3,
        reason="Wet",
        actor="user:anna",
    )
    api.post("/stock/allocations", {"store": str(paused.pk), "sku": "SKU-1", "units": 5})
    named: dict[str, Model] = {
        "STORE": connected,
        "PAUSED": paused,
        "BOUTIQUE": boutique,
        "ORDER": order,
        "SHIPPED": shipped,
        "EDITED": edited,
        "REFUNDED": refunded,
        "DECISION": GoodsDecision.objects.get(),
        "PAYOUT": import_payouts(connected, [factories.make_payout(1)])[0],
        "PARCEL": shipped.shipments.get(),
        "RETURN": Return.objects.get(),
        "RETURNLINE": ReturnLine.objects.get(),
        "RUN": run,
        "COMPARISON": make_comparison(connected, state="stopped", problem="Too much."),
        "HELD": held,
        "RULE": FieldRule.objects.get(),
        "PARKED": ParkedRecord.objects.get(),
        "PRODUCT": Product.objects.get(),
        "VARIANT": Variant.objects.get(),
        "LISTING": Listing.objects.get(store=connected, variant__sku="SKU-1"),
        "UNLINKED": unlinked,
        "LOCATION": Location.objects.get(),
        "ALLOCATION": Allocation.objects.get(),
        "STOCKRULE": StockRule.objects.get(),
        "PUSH": Push.objects.earliest("pk"),
        "FILE": ParcelHandOver.objects.create(store=connected, state="done"),
        "RULECHANGE": AuditEvent.objects.get(action="stockrule.added"),
    }
    linked = Made(named["LISTING"].pk, named["VARIANT"].pk, Former(None, "duplicate_sku"))
    named["LINKRUN"] = linkruns.record([linked], actor="user:anna")
    import_products(connected, 2)
    named["KIT"] = Variant.objects.get(sku="SKU-2")
    named["BUNDLE"] = a_bundle(connected, "p1")
    lacking = {"order": order, "line": order.lines.all()[0], "units": 1}
    named["OVERSELL"] = Oversell.objects.create(
        merchant=merchant, sku="SKU-1", opened_at=factories.NOW, **lacking
    )
    named["DEPOT"] = make_depot(merchant)
    named["SELLER"] = make_seller(merchant)
    named["OUTSIDE"] = services.request_outside(
        order, named["DEPOT"], units={order.lines.get().pk: 1}, actor="user:anna"
    )
    return {name: str(found.pk) for name, found in named.items()}


def a_bundle(store: Store, part: str) -> Model:
    """A listing that the store puts together from another of its listings."""
    told = VariantData(
        external_id="set",
        sku="SET-1",
        is_bundle=True,
        parts=(PartData(external_variant_id=part, quantity=2),),
    )
    catalogue.import_products(
        store,
        [factories.make_product(9, variants=(told,))],
        observed_at=factories.NOW,
        now=factories.NOW,
    )
    return Listing.objects.get(sku="SET-1")


def test_every_example_is_answered_as_the_reference_says(api: Api, ids: dict[str, str]) -> None:
    """``curl -d`` says that a body is a form, so the examples are sent as one."""
    for example in examples():
        method, path, headers, body = as_request(example.command, ids)
        try:
            with transaction.atomic():
                answer = api.client.generic(
                    method,
                    f"/api/v1{path}",
                    body,
                    content_type="application/x-www-form-urlencoded",
                    headers={**api.headers, **headers},
                )
                assert answer.status_code == example.status, (example.path, answer.content)
                raise Undo
        except Undo:
            continue


def as_request(
    command: list[str], ids: dict[str, str]
) -> tuple[str, str, dict[str, str], bytes | str]:
    """(method, path with query, headers, body) of a curl command."""
    words = iter(re.sub(r"\$([A-Z]+)", lambda m: ids.get(m[1], m[0]), word) for word in command[1:])
    method, path, body = "GET", "", ""
    headers: dict[str, str] = {}
    for word in words:
        if word == "-X":
            method = next(words)
        elif word == "-H":
            name, _, value = next(words).partition(": ")
            headers |= {name: value} if value else {}
        elif word == "-d":
            body = next(words)
        else:
            path = word.removeprefix("$API")
    return method, path, headers, body
