"""``manage.py platforms``: what this hub can connect, read off the platforms' cards.

``--markdown`` prints the comparison that stands in docs/PLATFORMS.md, of the built-in platforms:
``manage.py platforms --markdown > docs/PLATFORMS.md``.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Any

from django.core.management.base import BaseCommand, CommandParser

from integrations import registry
from integrations.platform import Ability, PlatformCard

_INTRO = (
    "# Platforms",
    "",
    "What Logix can do with stores of each platform, and where it cannot, why. Made from the "
    "platforms' cards by",
    "`manage.py platforms --markdown`; a test keeps it up to date.",
    "",
)
_ABILITIES = {
    Ability.ORDERS: "Read orders",
    Ability.ORDER_BY_ID: "Read one order again",
    Ability.ORDER_IDS_IN_WINDOW: "Compare order lists, to prove that nothing is missing",
    Ability.PRODUCTS: "Read products",
    Ability.STOCK_READ: "Read stock",
    Ability.STOCK_WRITE: "Write stock",
    Ability.STOCK_BULK: "Many stock figures in one file",
    Ability.STOCK_COMPARE_AND_SET: "Write stock only if it is still as last seen",
    Ability.LOCATIONS: "Stock by location",
    Ability.PLATFORM_STOCK: "Show units in the platform's own warehouses",
    Ability.STATUS_WRITE: "Set order statuses",
    Ability.SHIPMENTS: "Tell parcels and tracking",
    Ability.PARTIAL_SHIPMENTS: "Several parcels an order",
    Ability.TRACKING_UPDATE: "Change tracking later",
    Ability.SHIPMENT_CANCEL: "Take parcels back",
    Ability.QUIET_SHIPMENTS: "Tell of parcels without a word to the buyer",
    Ability.FULFILLMENT_ORDERS: "Orders split by place of dispatch",
    Ability.FULFILS_FOR_OTHERS: "Send orders of other stores from the platform's warehouses",
    Ability.CANCEL: "Cancel orders",
    Ability.QUIET_CANCEL: "Cancel without a word to the buyer",
    Ability.NOTES: "Put notes on orders",
    Ability.ORDER_FIELDS_WRITE: "Write fields of orders by rules",
    Ability.REFUNDS_READ: "Read refunds",
    Ability.REFUNDS_WRITE: "Make refunds",
    Ability.RETURNS: "Returns",
    Ability.PAYOUTS: "Payouts",
    Ability.WEBHOOKS: "Webhooks",
    Ability.NEWS_QUEUE: "News through a queue of the merchant's own",
    Ability.ONE_CLICK_CONNECT: "Connect by one click",
    Ability.MULTI_CHANNEL: "Several channels in one connection",
    Ability.APP_REMOVAL: "Take its own app out of a store",
}

_REFUNDS = {"record": "noted", "gateway": "paid back"}


class Command(BaseCommand):
    help = "Show what this hub can connect, and what each platform can do."
    requires_system_checks = ()

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument(
            "--markdown", action="store_true", help="Print docs/PLATFORMS.md: built-in ones only."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        if options["markdown"]:
            self.stdout.write(markdown([registry.card(slug) for slug in registry.BUILT_IN]))
            return
        for card in registry.cards():
            kinds = ", ".join(kind.value for kind in card.auth_kinds)
            self.stdout.write(f"{card.slug:<14} {card.name} ({card.api_version}), {kinds}")


def markdown(cards: Sequence[PlatformCard]) -> str:
    """The comparison: a table of facts, one of abilities, and the reasons of what cannot be."""
    return "\n".join((*_INTRO, *_facts(cards), "", *_abilities(cards), "", *_reasons(cards)))


def _facts(cards: Sequence[PlatformCard]) -> Iterator[str]:
    yield from _head("", cards)
    for name, fact in (
        ("API", lambda c: c.api_version),
        ("Ends", lambda c: f"{c.api_sunset:%Y-%m-%d}" if c.api_sunset else "not announced"),
        ("Connected by", lambda c: ", ".join(k.value.replace("_", " ") for k in c.auth_kinds)),
        ("Read every", lambda c: f"{c.poll_every.total_seconds() / 60:g} min"),
        ("Page, stock batch", lambda c: f"{c.page_size}, {c.stock_batch}"),
        ("A second", _pace),
        ("Refunds asked for here", lambda c: " or ".join(_REFUNDS[x] for x in c.refunds) or "none"),
        ("Guide", lambda c: f"[{c.name}]({c.guide})"),
    ):
        yield _row(name, [fact(card) for card in cards])


def _pace(card: PlatformCard) -> str:
    """Calls that have a limit of their own stand behind the others, by its name."""
    return ", ".join(
        f"{limit.rate:g} {limit.unit if limit.bucket == 'default' else f'`{limit.bucket}`'}"
        for limit in card.limits
    )


def _abilities(cards: Sequence[PlatformCard]) -> Iterator[str]:
    yield from _head("can", cards)
    for ability, words in _ABILITIES.items():
        yield _row(words, ["yes" if card.can(ability) else "no" for card in cards])


def _reasons(cards: Sequence[PlatformCard]) -> Iterator[str]:
    yield "## Why not"
    for card in cards:
        yield from ("", f"### {card.name}", "")
        for ability, words in _ABILITIES.items():
            if ability in card.exempt:
                yield f"- **{words}**: {card.exempt[ability]}"


def _head(corner: str, cards: Sequence[PlatformCard]) -> Iterator[str]:
    yield _row(corner, [card.name for card in cards])
    yield _row("---", ["---" for _ in cards])


def _row(name: str, cells: Sequence[str]) -> str:
    return f"| {' | '.join((name, *cells))} |"
