"""The comparison of platforms in the documents is the one the cards give."""

from __future__ import annotations

from io import StringIO

from django.core.management import call_command

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
    page = printed("--markdown")

    assert set(_ABILITIES) == set(Ability)
    gaps = page.partition("## Why not")[0].count("| no |")
    assert gaps == page.count("\n- **") > 0


def test_without_an_option_the_platforms_are_listed() -> None:
    assert printed().startswith("woocommerce    WooCommerce (wc/v3), api_keys")
