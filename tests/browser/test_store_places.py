"""The page “Locations” of a store in a real browser, on a screen and on a phone."""

from __future__ import annotations

import pytest
from django.urls import reverse

from inventory.models import Location, StoreLocation, StorePlace
from tests.browser.conftest import PHONE, WIDE, Watched
from tests.browser.hub import Hub

pytestmark = pytest.mark.browser

LONG = "Donaudampfschifffahrtsgesellschaftslagerhaus am Güterbahnhof"
_OVERFLOW = "document.scrollingElement.scrollWidth - document.scrollingElement.clientWidth"


def test_a_store_with_several_locations_is_given_places(window: Watched, hub: Hub) -> None:
    for number, name in enumerate(("Hauptlager", LONG, "Messe"), start=61000001):
        StoreLocation.objects.create(
            store=hub.store, external_id=str(number), name=name, is_online=name != "Messe"
        )
    main = Location.objects.get(merchant=hub.merchant)
    window.sign_in("anna")
    window.page.get_by_text("no place of Logix is shown at any location").click()
    _look(window, "places-to-choose")

    window.page.select_option(f"#id_at_{main.pk}", label="Hauptlager")
    window.confirm("Keep")
    assert "The choice is kept" in window.text()
    _look(window, "places-on-the-store")

    window.press("Locations")
    window.confirm("Make a place for every location")
    assert "2 places made" in window.text()
    _look(window, "places-made")

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
    _look(window, "places-one-figure")


def _look(window: Watched, name: str) -> None:
    """Nothing scrolls sideways, and each picture is kept whole."""
    for size, kind in ((WIDE, ""), (PHONE, ".phone")):
        window.page.set_viewport_size(size)
        window.picture(f"{name}{kind}", whole=True)
        assert window.page.evaluate(_OVERFLOW) <= 0, f"{name}{kind}"
    window.page.set_viewport_size(WIDE)
