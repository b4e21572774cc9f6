"""The page “Locations” of a store in a real browser, on a screen and on a phone."""

from __future__ import annotations

import pytest
from django.urls import reverse

from inventory.models import Location, StoreLocation, StorePlace
from tests.browser.conftest import Watched
from tests.browser.hub import Hub

pytestmark = pytest.mark.browser

LONG = "Donaudampfschifffahrtsgesellschaftslagerhaus am Güterbahnhof"


def test_a_store_with_several_locations_is_given_places(window: Watched, hub: Hub) -> None:
    for number, name in enumerate(("Hauptlager", LONG, "Messe"), start=61000001):
        StoreLocation.objects.create(
            store=hub.store, external_id=str(number), name=name, is_online=name != "Messe"
        )
    main = Location.objects.get(merchant=hub.merchant)
    window.sign_in("anna")
    window.page.get_by_text("no place of Logix is shown at any location").click()
    window.look("places-to-choose")

    window.page.select_option(f"#id_at_{main.pk}", label="Hauptlager")
    window.confirm("Keep")
    assert "The choice is kept" in window.text()
    window.look("places-on-the-store")

    window.press("Locations")
    window.confirm("Make a place for every location")
    assert "2 places made" in window.text()
    window.look("places-made")

    chosen = StorePlace.objects.filter(store=hub.store).order_by("rank")
    assert list(chosen.values_list("location__name", "shown_at__name")) == [
        ("Main warehouse", "Hauptlager"),
        (LONG, LONG),
        ("Messe", "Messe"),
    ]


def test_a_store_with_one_figure_is_told_what_no_choice_means(window: Watched, hub: Hub) -> None:
    window.sign_in("anna")

    window.open(reverse("admin:integrations_store_locations", args=[hub.store.pk]))

    assert "While none is chosen, it sells from all that are open" in window.text()
    window.look("places-one-figure")
