"""Which platforms there are."""

from __future__ import annotations

import subprocess
import sys
from importlib.metadata import EntryPoint

import pytest

from integrations import registry
from integrations.base import BaseEcommerceIntegration
from integrations.platform import PlatformCard

FAKE_CARD = "tests.integrations.fakeshop.platform:CARD"


@pytest.fixture
def installed(monkeypatch: pytest.MonkeyPatch) -> dict[str, EntryPoint]:
    """What other packages would bring by entry points."""
    found: dict[str, EntryPoint] = {}
    monkeypatch.setattr(registry, "_installed", lambda: found)
    return found


def test_every_built_in_platform_has_a_card_and_an_adapter() -> None:
    assert "woocommerce" in registry.slugs()
    for slug in registry.BUILT_IN:
        assert isinstance(registry.card(slug), PlatformCard)
        assert issubclass(registry.adapter_class(slug), BaseEcommerceIntegration)
        assert registry.adapter_class(slug).card is registry.card(slug)


def test_an_unknown_platform_is_refused_with_the_known_ones_named() -> None:
    with pytest.raises(registry.UnknownPlatform, match=r"no platform “etsy” here.*woocommerce"):
        registry.card("etsy")


def test_platforms_of_other_packages_are_found(installed: dict[str, EntryPoint]) -> None:
    installed["fakeshop"] = EntryPoint("fakeshop", FAKE_CARD, registry.GROUP)

    assert registry.slugs()[-1] == "fakeshop"
    assert registry.card("fakeshop").name == "FakeShop"
    assert registry.oauth("fakeshop").authorize_url("https://x", "L", "b", "c", "r")


def test_a_package_cannot_take_the_place_of_a_built_in_platform(
    installed: dict[str, EntryPoint],
) -> None:
    installed["woocommerce"] = EntryPoint("woocommerce", FAKE_CARD, registry.GROUP)

    assert registry.card("woocommerce").name == "WooCommerce"
    assert registry.slugs().count("woocommerce") == 1


def test_a_broken_package_costs_only_itself(installed: dict[str, EntryPoint]) -> None:
    installed["broken"] = EntryPoint("broken", "no.such.module:CARD", registry.GROUP)
    installed["fakeshop"] = EntryPoint("fakeshop", FAKE_CARD, registry.GROUP)

    assert [card.slug for card in registry.cards()] == [*registry.BUILT_IN, "fakeshop"]


def test_a_card_under_another_name_is_refused(installed: dict[str, EntryPoint]) -> None:
    installed["other"] = EntryPoint("other", FAKE_CARD, registry.GROUP)

    with pytest.raises(registry.UnknownPlatform, match="does not bring a card"):
        registry.card("other")


def test_a_platform_without_a_connect_flow_says_so(installed: dict[str, EntryPoint]) -> None:
    installed["fakeshop"] = EntryPoint("fakeshop", FAKE_CARD, registry.GROUP)
    card = registry.card("fakeshop")

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(registry, "card", lambda slug: _moved(card))
        with pytest.raises(registry.UnknownPlatform, match="no connect flow"):
            registry.oauth("fakeshop")


def _moved(card: PlatformCard) -> PlatformCard:
    from dataclasses import replace

    return replace(card, service="integrations.kit.http.PlatformSession")


def test_asking_for_nothing_imports_no_platform() -> None:
    code = (
        "import sys; import django; from django.conf import settings; settings.configure(); "
        "from integrations import registry; registry.slugs(); "
        "print([m for m in sys.modules if m.startswith('integrations.woocommerce')])"
    )

    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)

    assert done.stdout.strip() == "[]"
