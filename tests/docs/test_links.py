"""Pages lead to pages that exist: every relative link of every document, its anchor too."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from integrations import registry
from tests.conftest import ROOT

PAGES = sorted(
    [*ROOT.glob("*.md"), *(ROOT / "docs").rglob("*.md"), *(ROOT / "deploy").glob("*.md")]
)
_LINK = re.compile(r"!?\[[^\]]*\]\(([^)\s]+)\)")
_HEADING = re.compile(r"^#{1,6} (.+)$", re.MULTILINE)
_FENCE = re.compile(r"```.*?```", re.DOTALL)
# Paths of this repository that the text names in code, such as `docs/STOCK.md`.
_NAMED = re.compile(
    r"`((?:docs|deploy|tests|logix|orders|inventory|integrations|webhooks)/[\w./-]+)`"
)


def text_of(page: Path) -> str:
    return page.read_text(encoding="utf-8")


def anchors(page: Path) -> set[str]:
    """As GitHub makes them: lower case, blanks to dashes, punctuation left out."""
    words = (re.sub(r"[`*_]", "", heading) for heading in _HEADING.findall(text_of(page)))
    return {re.sub(r"[^\w\- ]", "", word.lower()).strip().replace(" ", "-") for word in words}


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_relative_link_leads_somewhere(page: Path) -> None:
    for target in _LINK.findall(_FENCE.sub("", text_of(page))):
        if "://" in target or target.startswith("mailto:"):
            continue
        path, _, anchor = target.partition("#")
        there = (page.parent / path).resolve() if path else page
        assert there.exists(), target
        assert there.is_relative_to(ROOT), target
        if anchor:
            assert anchor in anchors(there), target


@pytest.mark.parametrize("page", PAGES, ids=lambda page: str(page.relative_to(ROOT)))
def test_every_file_that_is_named_exists(page: Path) -> None:
    # Shopify's topics look like paths of ours: orders/create.
    topics = {topic for card in registry.cards() for topic in card.topics}

    for name in set(_NAMED.findall(_FENCE.sub("", text_of(page)))) - topics:
        assert (ROOT / name).exists(), name


def test_every_platform_has_its_guide_with_the_same_headings() -> None:
    wanted = ["Connect", "Permissions", "Mapping", "Limits", "Trouble", "Sources"]

    for card in registry.cards():
        guide = ROOT / "docs" / card.guide
        headings = re.findall(r"^## (.+)$", text_of(guide), re.MULTILINE)
        assert headings == wanted, guide
