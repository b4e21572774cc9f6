"""Parcels that went to a store in one file, over the API: what became of each file, and which
parcel was refused and why.
"""

from __future__ import annotations

from typing import Any

import pytest

from integrations.models import Command, HandedParcel, ParcelHandOver, Store, StoreStatus
from integrations.outbox.telling import shipment_payload
from logix.accounts.models import Scope
from logix.common.ids import uuid7
from orders.data import ShipmentData
from tests import factories
from tests.integrations.api.client import Api, api_for

FILES = "/shipments/files"


@pytest.fixture
def file(store: Store) -> ParcelHandOver:
    return ParcelHandOver.objects.create(
        store=store, state="done", parcels=120, refused=3, handed_at=factories.NOW
    )


def in_file(file: ParcelHandOver, number: int, **said: Any) -> HandedParcel:
    """A parcel on this line, and what was said of it."""
    sent = ShipmentData(
        reference=f"P-{number}", carrier="DHL", tracking_number=f"T-{number}", lines=()
    )
    command = Command.objects.create(
        store=file.store,
        kind="shipment",
        key=f"shipment:{number}",
        order_ref=uuid7(),
        external_order_id=f"302-{number}",
        payload=shipment_payload(sent, version=1),
        state="refused" if said else "done",
    )
    return HandedParcel.objects.create(hand_over=file, command=command, number=number, **said)


def results(answer: Any) -> list[Any]:
    assert answer.status_code == 200, answer.content
    return list(answer.json()["results"])


def test_files_are_listed_newest_first_and_chosen_by_store_and_state(
    api: Api, store: Store, file: ParcelHandOver
) -> None:
    other = factories.make_store(store.merchant, base_url="https://other.example")
    newer = ParcelHandOver.objects.create(
        store=other, state="failed", parcels=100, problem_code="file_lost", problem="It broke off."
    )

    shown = results(api.get(FILES))

    assert [one["id"] for one in shown] == [str(newer.pk), str(file.pk)]
    assert (shown[0]["code"], shown[0]["problem"]) == ("file_lost", "It broke off.")
    assert (shown[1]["parcels"], shown[1]["refused"]) == (120, 3)
    assert (shown[1]["store_id"], shown[1]["handed_at"]) == (str(store.pk), "2026-11-20T12:00:00Z")
    assert "figures" not in shown[1]
    assert results(api.get(FILES, {"state": "done"})) == [shown[1]]
    assert results(api.get(FILES, {"store": str(other.pk)})) == [shown[0]]
    assert api.get(FILES, {"state": "lost"}).status_code == 400


def test_each_refused_parcel_is_named_with_its_order_and_the_reason(
    api: Api, file: ParcelHandOver
) -> None:
    in_file(file, 1)
    refused = in_file(file, 2, code="18028", problem="Your order cannot be found.")
    in_file(file, 3, code="18021", problem="More than is left.", is_unsure=True)

    first, second = results(api.get(f"{FILES}/{file.pk}/refused"))

    assert first == {
        "id": refused.pk,
        "number": 2,
        "order_id": str(refused.command.order_ref),
        "external_order_id": "302-2",
        "reference": "P-2",
        "carrier": "DHL",
        "tracking_number": "T-2",
        "code": "18028",
        "problem": "Your order cannot be found.",
        "may_be_there": False,
        "state": "refused",
    }
    assert (second["number"], second["may_be_there"]) == (3, True)


def test_both_come_page_by_page(api: Api, store: Store, file: ParcelHandOver) -> None:
    for _ in range(2):
        ParcelHandOver.objects.create(store=store, state="done")
    for number in (1, 2, 3):
        in_file(file, number, code="18028", problem="No.")

    for path, names in ((FILES, "id"), (f"{FILES}/{file.pk}/refused", "number")):
        whole = [one[names] for one in results(api.get(path))]
        page = api.get(path, {"page_size": 2}).json()
        rest = api.follow(page["next"]).json()

        assert len(whole) == 3
        assert [one[names] for one in page["results"] + rest["results"]] == whole


def test_a_strangers_file_is_not_there(
    api: Api, stranger: Api, store: Store, file: ParcelHandOver
) -> None:
    in_file(file, 1, code="18028", problem="No.")

    assert results(stranger.get(FILES)) == []
    answer = stranger.get(f"{FILES}/{file.pk}/refused")
    assert (answer.status_code, answer.json()["code"]) == (404, "not_found")
    Store.objects.filter(pk=store.pk).update(status=StoreStatus.DISCONNECTED)
    assert results(api.get(FILES)) == []
    assert api.get(f"{FILES}/{file.pk}/refused").status_code == 404


def test_who_may_not_read_is_told_which_scope_is_missing(
    store: Store, file: ParcelHandOver
) -> None:
    writer = api_for(store.merchant, Scope.ORDERS_WRITE)

    for path in (FILES, f"{FILES}/{file.pk}/refused"):
        answer = writer.get(path)
        assert (answer.status_code, answer.json()["code"]) == (403, "scope_missing")
