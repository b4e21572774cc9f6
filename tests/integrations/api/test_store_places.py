"""Which places a store sells from, and at which of its locations their units are shown, over the
API.
"""

from __future__ import annotations

from typing import Any

import pytest
from django.test import Client

from integrations import connect
from integrations.models import Push, Store, Stream, StreamName
from inventory.models import Listing, Location, StoreLocation, StorePlace
from logix.accounts.models import AuditEvent, Merchant, Scope
from tests import factories
from tests.integrations.api.client import Api, api_for, import_products

HAUPTLAGER, KOELN, OLD = "61000001", "61000002", "61000003"


@pytest.fixture
def boutique(store: Store) -> Store:
    """A store that sends from two of its three locations."""
    for external_id, name, is_active in (
        (HAUPTLAGER, "Hauptlager", True),
        (KOELN, "Laden Köln", True),
        (OLD, "Altes Lager", False),
    ):
        StoreLocation.objects.create(
            store=store, external_id=external_id, name=name, is_active=is_active
        )
    Stream.objects.filter(store=store).update(read_through=factories.NOW)
    return store


@pytest.fixture
def main(merchant: Merchant) -> Location:
    return Location.objects.create(merchant=merchant, code="main", name="Main warehouse", rank=10)


@pytest.fixture
def north(merchant: Merchant) -> Location:
    return Location.objects.create(merchant=merchant, code="north", name="North", rank=20)


def address(store: Store) -> str:
    return f"/integrations/{store.pk}/locations"


def place(location: Location) -> dict[str, str]:
    return {"id": str(location.pk), "code": location.code, "name": location.name}


def shown_at(store: Store, external_id: str) -> dict[str, str]:
    row = store.locations.get(external_id=external_id)
    return {"id": str(row.pk), "external_id": external_id, "name": row.name}


def chosen(store: Store) -> list[tuple[str, str | None, int]]:
    rows = StorePlace.objects.filter(store=store).order_by("rank")
    return list(rows.values_list("location__code", "shown_at__external_id", "rank"))


def products_read_through(store: Store) -> Any:
    return Stream.objects.get(store=store, name=StreamName.PRODUCTS).read_through


def test_a_store_with_one_figure_sells_from_everywhere_until_places_are_chosen(
    api: Api, store: Store, main: Location, north: Location
) -> None:
    assert api.get(address(store)).json() == {
        "figure_per_location": False,
        "locations": [],
        "places": [],
        "problem": "",
    }

    answer = api.put(address(store), {"places": [{"location": "north"}, {"location": "main"}]})

    assert (answer.status_code, answer.json()["places"]) == (
        200,
        [
            {"location": place(north), "shown_at": None, "rank": 10},
            {"location": place(main), "shown_at": None, "rank": 20},
        ],
    )
    assert api.put(address(store), {"places": []}).json()["places"] == []
    assert chosen(store) == []


def test_a_store_with_several_locations_says_that_a_choice_is_wanted(
    api: Api, boutique: Store
) -> None:
    shown = api.get(address(boutique)).json()

    assert shown["figure_per_location"] is True
    assert shown["locations"] == [
        {
            "id": str(row.pk),
            "external_id": row.external_id,
            "name": row.name,
            "is_active": row.is_active,
            "is_online": True,
        }
        for row in boutique.locations.order_by("name")
    ]
    assert shown["problem"].startswith("The store keeps stock at several locations")
    (warning,) = api.get(f"/integrations/{boutique.pk}").json()["warnings"]
    assert warning.startswith("The store keeps stock at several locations")
    found = api.get(f"/integrations/{boutique.pk}/health").json()["found"]
    assert ("warning", "stock") in [(one["level"], one["about"]) for one in found]


def test_a_choice_says_where_each_place_is_shown_and_has_the_products_read_anew(
    api: Api, boutique: Store, main: Location, north: Location
) -> None:
    import_products(boutique, 1)
    body = {
        "places": [
            {"location": "main", "shown_at": KOELN},
            {"location": str(north.pk), "shown_at": HAUPTLAGER, "rank": 5},
        ]
    }

    answer = api.put(address(boutique), body)

    assert answer.status_code == 200, answer.content
    assert answer.json()["places"] == [
        {"location": place(north), "shown_at": shown_at(boutique, HAUPTLAGER), "rank": 5},
        {"location": place(main), "shown_at": shown_at(boutique, KOELN), "rank": 10},
    ]
    assert answer.json()["problem"] == ""
    assert api.get(f"/integrations/{boutique.pk}/health").json()["level"] == "ok"
    assert api.get(f"/integrations/{boutique.pk}").json()["warnings"] == []
    assert products_read_through(boutique) is None
    event = AuditEvent.objects.get(action="store.places_changed")
    assert (event.actor_kind, event.details) == (
        "token",
        {"from": [], "to": ["main at Laden Köln", "north at Hauptlager"]},
    )
    push = Push.objects.get(listing__store=boutique)
    assert push.want_version > push.sent_version


def test_the_same_choice_again_changes_nothing(api: Api, boutique: Store, main: Location) -> None:
    body = {"places": [{"location": "main", "shown_at": KOELN}]}
    first = api.put(address(boutique), body)
    Stream.objects.filter(store=boutique).update(read_through=factories.NOW)

    again = api.put(address(boutique), body)

    assert again.json() == first.json()
    assert products_read_through(boutique) == factories.NOW
    assert AuditEvent.objects.filter(action="store.places_changed").count() == 1


def test_a_choice_under_a_key_is_made_once(api: Api, boutique: Store, main: Location) -> None:
    body = {"places": [{"location": "main", "shown_at": KOELN}]}
    first = api.put(address(boutique), body, Idempotency_Key="choice")
    api.put(address(boutique), {"places": []})

    again = api.put(address(boutique), body, Idempotency_Key="choice")

    assert (again.json(), again["Idempotent-Replayed"]) == (first.json(), "true")
    assert chosen(boutique) == []


@pytest.mark.parametrize(
    ("places", "status", "code", "pointer"),
    [
        ([{"location": "nowhere", "shown_at": KOELN}], 400, "unknown", "/places/0/location"),
        ([{"location": "main", "shown_at": "7"}], 400, "unknown", "/places/0/shown_at"),
        ([{"location": "main"}], 422, "location_of_store_needed", None),
        ([{"location": "main", "shown_at": KOELN}] * 2, 422, "place_twice", None),
        ([{"location": "main", "at": KOELN}], 400, "unknown", "/places/0/at"),
        ([{"shown_at": KOELN}], 400, "required", "/places/0/location"),
        ("main", 400, "not_a_list", "/places"),
        (None, 400, "null", "/places"),
    ],
)
def test_a_choice_that_cannot_be_is_refused_and_changes_nothing(
    api: Api,
    boutique: Store,
    main: Location,
    places: Any,
    status: int,
    code: str,
    pointer: str | None,
) -> None:
    answer = api.put(address(boutique), {"places": places})

    told = answer.json()
    assert answer.status_code == status, told
    if pointer is None:
        assert told["code"] == code
    else:
        assert [(one["code"], one["pointer"]) for one in told["errors"]] == [(code, pointer)]
    assert chosen(boutique) == []
    assert products_read_through(boutique) == factories.NOW


def test_a_store_with_one_figure_has_no_location_to_show_a_place_at(
    api: Api, store: Store, main: Location
) -> None:
    answer = api.put(address(store), {"places": [{"location": "main", "shown_at": KOELN}]})

    assert answer.status_code == 400
    assert answer.json()["detail"] == "Example shop keeps one figure; leave shown_at out."


def test_a_place_is_made_for_each_open_location_that_shows_none(
    api: Api, boutique: Store, main: Location
) -> None:
    api.put(address(boutique), {"places": [{"location": "main", "shown_at": HAUPTLAGER}]})

    answer = api.post(f"{address(boutique)}/make-places")

    assert answer.status_code == 200, answer.content
    made = Location.objects.get(code="laden-koln")
    assert made.name == "Laden Köln"
    assert answer.json()["places"] == [
        {"location": place(main), "shown_at": shown_at(boutique, HAUPTLAGER), "rank": 10},
        {"location": place(made), "shown_at": shown_at(boutique, KOELN), "rank": 20},
    ]
    again = api.post(f"{address(boutique)}/make-places")
    assert (again.status_code, again.json()["code"]) == (422, "nothing_to_do")
    assert Location.objects.count() == 2


def test_a_place_that_was_chosen_while_the_store_kept_one_figure_gives_way(
    api: Api, store: Store, main: Location
) -> None:
    """It stands at none of the locations the store tells of now, so it shows nothing."""
    api.put(address(store), {"places": [{"location": "main"}]})
    StoreLocation.objects.create(store=store, external_id=KOELN, name="Laden Köln")
    assert api.get(address(store)).json()["problem"]

    answer = api.post(f"{address(store)}/make-places")

    assert answer.status_code == 200, answer.content
    assert chosen(store) == [("laden-koln", KOELN, 10)]


def test_a_store_with_one_figure_has_no_location_to_make_a_place_for(
    api: Api, store: Store
) -> None:
    answer = api.post(f"{address(store)}/make-places")

    assert (answer.status_code, answer.json()["code"]) == (422, "no_locations")


def test_a_strangers_place_is_unknown_and_a_strangers_store_does_not_exist(
    api: Api, boutique: Store, main: Location, stranger: Api
) -> None:
    theirs = Merchant.objects.exclude(pk=boutique.merchant_id).get()
    foreign = Location.objects.create(merchant=theirs, code="theirs", name="Theirs")

    body = {"places": [{"location": str(foreign.pk), "shown_at": KOELN}]}
    assert api.put(address(boutique), body).json()["errors"][0]["code"] == "unknown"
    body = {"places": [{"location": "theirs", "shown_at": KOELN}]}
    assert stranger.get(address(boutique)).status_code == 404
    assert stranger.put(address(boutique), body).status_code == 404
    assert stranger.post(f"{address(boutique)}/make-places").status_code == 404
    assert chosen(boutique) == []


def test_a_disconnected_store_has_nothing_to_choose(api: Api, boutique: Store) -> None:
    Store.objects.update(status="disconnected")

    assert api.get(address(boutique)).status_code == 404


def test_who_may_only_read_looks_and_does_not_choose(
    merchant: Merchant, boutique: Store, main: Location
) -> None:
    reader = api_for(merchant, Scope.READ)

    assert reader.get(address(boutique)).status_code == 200
    refused = reader.put(address(boutique), {"places": []})
    assert (refused.status_code, refused.json()["code"]) == (403, "scope_missing")


def test_a_listing_shows_what_each_location_was_seen_with(api: Api, boutique: Store) -> None:
    import_products(boutique, 1)
    Listing.objects.update(seen_quantity=12, seen_at_places={HAUPTLAGER: 9, KOELN: 3})

    row = api.get("/listings").json()["results"][0]

    assert (row["seen_quantity"], row["seen_at_places"]) == (12, {HAUPTLAGER: 9, KOELN: 3})


def test_whoever_came_back_from_consent_is_led_to_the_choice(
    boutique: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(connect, "come_back", lambda *_, **__: boutique)
    said = "It keeps stock at several locations: say which place of Logix each of them shows."
    leads_to = f'href="/admin/integrations/store/{boutique.pk}/locations/"'

    page = Client().get("/api/v1/shopify/oauth/callback", {"state": "x"}).content.decode()

    assert said in page
    assert leads_to in page
    boutique.locations.filter(external_id=KOELN).update(is_online=False)
    page = Client().get("/api/v1/shopify/oauth/callback", {"state": "x"}).content.decode()
    assert said not in page
    assert leads_to not in page
