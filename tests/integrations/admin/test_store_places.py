"""The page “Locations” of a store, the ways that lead to it, and what other pages say of it."""

from __future__ import annotations

from typing import Any

import pytest
from django.db import connection
from django.test import Client
from django.test.utils import CaptureQueriesContext
from django.urls import reverse

from integrations import connect
from integrations.models import Push, Store, Stream, StreamName
from inventory.models import Listing, Location, StockLevel, StoreLocation, StorePlace
from logix.accounts.models import AuditEvent, Role
from tests.factories import NOW, make_merchant, make_store
from tests.integrations.admin.conftest import As, listed, text, words
from tests.integrations.admin.test_attention import home, leads_to, shown
from tests.integrations.wordpress import KEYS

pytestmark = pytest.mark.django_db

HAUPTLAGER, KOELN, OLD = "61000001", "61000002", "61000003"


@pytest.fixture
def main(store: Store) -> Location:
    return Location.objects.get(merchant=store.merchant)


@pytest.fixture
def north(store: Store) -> Location:
    return Location.objects.create(merchant=store.merchant, code="north", name="North", rank=200)


@pytest.fixture
def boutique(store: Store) -> Store:
    """A store that sends from two of its three locations."""
    made = make_store(store.merchant, name="Boutique", base_url="https://boutique.example")
    tell_locations(made)
    Stream.objects.filter(store=made).update(read_through=NOW)
    return made


def tell_locations(store: Store) -> None:
    for external_id, name, is_active in (
        (HAUPTLAGER, "Hauptlager", True),
        (KOELN, "Laden Köln", True),
        (OLD, "Altes Lager", False),
    ):
        StoreLocation.objects.create(
            store=store, external_id=external_id, name=name, is_active=is_active
        )


def page(store: Store) -> str:
    return reverse("admin:integrations_store_locations", args=[store.pk])


def store_page(store: Store) -> str:
    return reverse("admin:integrations_store_change", args=[store.pk])


def at(store: Store, external_id: str) -> str:
    return str(store.locations.get(external_id=external_id).pk)


def choice(**places: tuple[Location, str, Any]) -> dict[str, Any]:
    """What the form sends: for each place where it is shown, and its turn."""
    sent: dict[str, Any] = {}
    for place, where, turn in places.values():
        sent |= {f"at_{place.pk}": where, f"turn_{place.pk}": turn}
    return sent


def chosen(store: Store) -> list[tuple[str, str | None, int]]:
    rows = StorePlace.objects.filter(store=store).order_by("rank")
    return list(rows.values_list("location__code", "shown_at__external_id", "rank"))


def products_read_through(store: Store) -> Any:
    return Stream.objects.get(store=store, name=StreamName.PRODUCTS).read_through


def test_places_are_chosen_for_the_locations_in_the_order_that_was_given(
    boss: Client, boutique: Store, main: Location, north: Location
) -> None:
    shows = text(boss, page(boutique))
    assert "Boutique keeps a figure for each of its locations." in shows
    assert "Altes Lager (closed)" in shows
    sent = choice(
        main=(main, at(boutique, HAUPTLAGER), ""), north=(north, at(boutique, HAUPTLAGER), 1)
    )

    answer = boss.post(page(boutique), sent, follow=True)

    assert chosen(boutique) == [("north", HAUPTLAGER, 10), ("main", HAUPTLAGER, 20)]
    said = words(answer)
    assert "Boutique: The choice is kept; its products are read again now." in said
    assert "Hauptlager : North , then Main warehouse" in said
    assert "Laden Köln : no place, so its figure is left alone" in said
    assert products_read_through(boutique) is None
    event = AuditEvent.objects.get(action="store.places_changed")
    assert event.details == {"from": [], "to": ["north at Hauptlager", "main at Hauptlager"]}
    assert "Chose the places a store sells from" in listed(boss, "accounts_auditevent")


def test_the_page_shows_what_was_chosen_and_the_same_again_changes_nothing(
    boss: Client, boutique: Store, main: Location, north: Location
) -> None:
    sent = choice(main=(main, at(boutique, KOELN), 2), north=(north, at(boutique, HAUPTLAGER), 1))
    boss.post(page(boutique), sent)
    StorePlace.objects.filter(location=main).update(rank=77)
    Stream.objects.filter(store=boutique).update(read_through=NOW)

    form = boss.get(page(boutique)).context["form"]
    shown = {name: form[name].initial for name in form.fields}
    answer = boss.post(page(boutique), shown, follow=True)

    assert shown == sent
    assert "Boutique: Nothing was changed." in words(answer)
    assert products_read_through(boutique) == NOW
    assert AuditEvent.objects.filter(action="store.places_changed").count() == 1


def test_a_store_with_one_figure_sells_from_everywhere_or_from_what_is_chosen(
    boss: Client, store: Store, main: Location, north: Location
) -> None:
    assert "Example shop keeps one figure for an item." in text(boss, page(store))
    assert "Sold from All open places." in text(boss, store_page(store))

    answer = boss.post(page(store), choice(north=(north, "here", "")), follow=True)

    assert chosen(store) == [("north", None, 10)]
    assert "Sold from North" in words(answer)
    boss.post(page(store), choice(north=(north, "", "")))
    assert chosen(store) == []


def test_a_place_that_was_closed_stays_chosen_until_somebody_takes_it_off(
    boss: Client, store: Store, main: Location, north: Location
) -> None:
    boss.post(page(store), choice(main=(main, "here", 1), north=(north, "here", 2)))
    Location.objects.filter(pk__in=[main.pk, north.pk]).update(is_active=False)

    shows = text(boss, page(store))
    assert "North (closed)" in shows
    boss.post(page(store), choice(main=(main, "", ""), north=(north, "here", 2)))

    assert chosen(store) == [("north", None, 10)]
    assert "Main warehouse" not in text(boss, page(store))


def test_what_cannot_be_right_stands_beside_its_field_and_nothing_is_kept(
    boss: Client, boutique: Store, store: Store, main: Location
) -> None:
    foreign = StoreLocation.objects.create(store=store, external_id="9", name="Elsewhere")
    sent = choice(main=(main, str(foreign.pk), 0))

    answer = boss.post(page(boutique), sent)

    assert answer.status_code == 200
    assert set(answer.context["form"].errors) == set(sent)
    assert chosen(boutique) == []


def test_a_refusal_is_said_above_the_form(
    boss: Client, boutique: Store, main: Location, monkeypatch: pytest.MonkeyPatch
) -> None:
    def refuse(*_: Any, **__: Any) -> bool:
        raise connect.ConnectError("Boutique cannot do that.")

    monkeypatch.setattr(connect, "choose_places", refuse)

    answer = boss.post(page(boutique), choice(main=(main, at(boutique, KOELN), 1)))

    assert "Boutique cannot do that." in words(answer)


def test_a_place_is_made_for_every_open_location_that_shows_none(
    boss: Client, boutique: Store, main: Location
) -> None:
    boss.post(page(boutique), choice(main=(main, at(boutique, HAUPTLAGER), 1)))
    assert "No place yet: Laden Köln ." in text(boss, page(boutique))

    answer = boss.post(page(boutique), {"make": "yes"}, follow=True)

    assert "Boutique: 1 place made (Laden Köln). Its products are read again now." in words(answer)
    assert chosen(boutique) == [("main", HAUPTLAGER, 10), ("laden-koln", KOELN, 20)]
    assert "Make a place for every location" not in words(answer)
    again = boss.post(page(boutique), {"make": "yes"}, follow=True)
    assert "Every open location of Boutique shows a place of Logix already." in words(again)


def test_the_only_open_location_shows_all_places_by_itself(
    boss: Client, boutique: Store, main: Location
) -> None:
    boutique.locations.filter(external_id=KOELN).update(is_active=False)

    said = text(boss, store_page(boutique))

    assert "Hauptlager : all open places" in said
    assert "Choose which place each shows" not in said


def test_only_owners_choose_and_only_for_stores_that_are_connected(
    boss: Client, boutique: Store, signed_in: As, main: Location
) -> None:
    operator, owner = signed_in(Role.OPERATOR), signed_in(Role.OWNER)
    sent = choice(main=(main, at(boutique, KOELN), 1))

    assert page(boutique) in boss.get(store_page(boutique)).content.decode()
    for refused in (operator.get(page(boutique)), operator.post(page(boutique), sent)):
        assert refused.status_code == 403
    assert operator.post(page(boutique), {"make": "yes"}).status_code == 403
    assert owner.get(page(boutique)).status_code == 200
    Store.objects.filter(pk=boutique.pk).update(status="disconnected")
    assert owner.post(page(boutique), sent).status_code == 403
    assert chosen(boutique) == []


def test_a_stranger_finds_no_such_page(boutique: Store, signed_in: As) -> None:
    client = signed_in(Role.OWNER, make_merchant("stranger"))

    assert client.get(page(boutique)).status_code == 404
    assert client.post(page(boutique), {"make": "yes"}).status_code == 404
    assert Location.objects.count() == 1


def test_whoever_connects_a_store_with_several_locations_is_led_to_the_page(
    boss: Client, store: Store, boutique: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    def connected(found: Store) -> str:
        monkeypatch.setattr(connect, "connect_store", lambda **_: found)
        typed = {"merchant": store.merchant.pk, "store_url": "https://new.example", **KEYS}
        return boss.post(
            reverse("admin:integrations_store_add"), typed, follow=True
        ).content.decode()

    said = "Boutique keeps stock at several locations."
    led = connected(boutique)

    assert said in led
    assert f'href="{page(boutique)}"><bdi>Choose now</bdi></a>' in led
    StoreLocation.objects.filter(external_id=KOELN).delete()
    assert said not in connected(boutique)


def test_the_first_page_names_a_store_that_lacks_places_and_leads_to_its_page(
    boss: Client, boutique: Store, main: Location
) -> None:
    assert leads_to(home(boss), "Boutique: no place of Logix is shown") == page(boutique)

    second = make_store(boutique.merchant, name="Atelier", base_url="https://atelier.example")
    tell_locations(second)

    address = leads_to(home(boss), "Atelier, Boutique: no place of Logix is shown")
    assert shown(boss, address) == 2
    Store.objects.filter(pk=second.pk).update(status="disconnected")
    boss.post(page(boutique), choice(main=(main, at(boutique, KOELN), 1)))
    assert "no place of Logix is shown" not in home(boss)


@pytest.mark.parametrize("told", ["none", "one", "two", "one online", "none open"])
@pytest.mark.parametrize("given", ["none", "open", "closed", "nowhere"])
def test_the_first_page_counts_as_the_rule_says(
    store: Store, main: Location, told: str, given: str
) -> None:
    rows = {"none": 0, "one": 1}.get(told, 2)
    for number in range(rows):
        StoreLocation.objects.create(
            store=store,
            external_id=str(number),
            is_active=told != "none open",
            is_online=told != "one online" or number == 0,
        )
    if given != "none":
        closed = StoreLocation.objects.filter(store=store, external_id="0").first()
        if given == "closed" and closed:
            StoreLocation.objects.filter(pk=closed.pk).update(is_active=False)
        shown_at = None if given == "nowhere" else closed
        StorePlace.objects.create(store=store, location=main, shown_at=shown_at)

    counted = Store.objects.filter(connect.LACKS_PLACES, pk=store.pk).exists()

    assert counted == connect.lacks_places(store)


def test_figures_are_shown_by_location_where_there_are_several(
    boss: Client, store: Store, main: Location, north: Location
) -> None:
    tell_locations(store)
    boss.post(
        page(store),
        choice(main=(main, at(store, HAUPTLAGER), 1), north=(north, at(store, KOELN), 2)),
    )
    listing = Listing.objects.get(sku="SKU-1")
    StockLevel.objects.filter(variant=listing.variant).update(on_hand=11, reserved=0)
    StockLevel.objects.create(
        merchant=store.merchant,
        variant=listing.variant,
        location=north,
        on_hand=4,
        counted_at=NOW,
    )
    Listing.objects.filter(pk=listing.pk).update(
        seen_quantity=12, seen_at_places={HAUPTLAGER: 9, KOELN: 3}
    )
    Push.objects.filter(listing=listing).update(
        pushed_value=10, pushed_at_places={HAUPTLAGER: 8, KOELN: 2}, pushed_at=NOW
    )
    seen, told = "12 Hauptlager : 9 Laden Köln : 3", "10 Hauptlager : 8 Laden Köln : 2"

    said = text(boss, reverse("admin:inventory_listing_change", args=[listing.pk]))

    assert seen in said
    assert told in said
    # The store's rule keeps one unit back: of 15 free, 14 are shown.
    assert "14 – Computed from stock. Hauptlager : 11 Laden Köln : 3" in said
    push = text(boss, reverse("admin:integrations_push_change", args=[listing.push.pk]))
    assert seen in push
    assert told in push
    Listing.objects.filter(pk=listing.pk).update(seen_quantity=9, seen_at_places={HAUPTLAGER: 9})
    single = text(boss, reverse("admin:integrations_push_change", args=[listing.push.pk]))
    assert "Hauptlager : 9" not in single


def test_places_cost_the_page_no_more_when_there_are_many(
    boss: Client, boutique: Store, django_assert_num_queries: Any
) -> None:
    boss.get(page(boutique))
    with CaptureQueriesContext(connection) as few:
        boss.get(page(boutique))
    for number in range(20):
        place = Location.objects.create(
            merchant=boutique.merchant, code=f"p{number}", name=f"Place {number}"
        )
        where = StoreLocation.objects.create(
            store=boutique, external_id=str(number), name=f"Shelf {number}"
        )
        StorePlace.objects.create(store=boutique, location=place, shown_at=where)

    with django_assert_num_queries(len(few)):
        boss.get(page(boutique))


def test_stores_are_told_anew_when_a_place_is_closed(
    boss: Client, store: Store, main: Location
) -> None:
    before = Push.objects.get(listing__sku="SKU-1").want_version
    fields = {"merchant": store.merchant.pk, "name": main.name, "code": main.code, "rank": 10}

    answer = boss.post(reverse("admin:inventory_location_change", args=[main.pk]), fields)

    assert answer.status_code == 302
    main.refresh_from_db()
    assert not main.is_active
    assert Push.objects.get(listing__sku="SKU-1").want_version > before
