"""The comparison of platforms in the documents is the one the cards give."""

from __future__ import annotations

import re
from io import StringIO

from django.core.management import call_command

from integrations import registry
from integrations.management.commands.platforms import _ABILITIES
from integrations.platform import Ability
from tests.conftest import ROOT


def printed(*options: str) -> str:
    out = StringIO()
    call_command("platforms", *options, stdout=out)
    return out.getvalue()


def test_the_table_in_the_documents_is_up_to_date() -> None:
    page = (ROOT / "docs" / "PLATFORMS.md").read_text(encoding="utf-8")

    assert page == printed("--markdown"), "manage.py platforms --markdown > docs/PLATFORMS.md"


def test_every_ability_has_its_words_and_every_gap_its_reason() -> None:
    """Each platform by itself: as many times “no” in its column as reasons under its name."""
    tables, _, why = printed("--markdown").partition("## Why not\n")
    rows = tables.partition("| can |")[2].strip().splitlines()[2:]
    can = [row.strip("| ").split(" | ") for row in rows]
    names = [registry.card(slug).name for slug in registry.BUILT_IN]

    assert set(_ABILITIES) == set(Ability)
    assert [row[0] for row in can] == list(_ABILITIES.values())
    sections = {part.partition("\n")[0]: part for part in why.split("\n### ")[1:]}
    assert list(sections) == names
    for column, name in enumerate(names, start=1):
        gaps = [row[0] for row in can if row[column] == "no"]
        assert re.findall(r"^- \*\*(.+?)\*\*: \S", sections[name], re.MULTILINE) == gaps
        assert gaps, name


def test_without_an_option_the_platforms_are_listed() -> None:
    listed = printed().splitlines()

    assert "woocommerce    WooCommerce (wc/v3), api_keys" in listed
    assert "shopify        Shopify (2026-07), oauth2, client_credentials, token" in listed
    assert len(listed) == len(registry.cards())
