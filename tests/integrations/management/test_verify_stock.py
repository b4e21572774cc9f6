"""Stock levels are proven every night and on demand; what was changed behind the ledger's back is
named, and left as it is.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from io import StringIO
from typing import Any

import pytest
import time_machine
from django.core.management import CommandError, call_command

from integrations import tasks, upkeep
from integrations.management.findings import Level
from integrations.models import ScheduleSlot, Store
from inventory import kits, locations, verifying
from inventory.models import StockLevel, StockMovement
from logix.accounts.models import AuditEvent
from logix.common import bell
from tests.factories import make_merchant
from tests.integrations.management.conftest import ago, wrong
from tests.inventory.test_ledger import count, make_item

pytestmark = pytest.mark.django_db

Night = Callable[[], None]
UNTRUE = "MUG at Main warehouse: on hand is 8, its movements add up to 7."


@pytest.fixture
def shelf(idle: Store) -> Store:
    """A mug and a box, counted."""
    main = locations.default(idle.merchant_id)
    for sku in ("MUG", "BOX"):
        count(make_item(idle.merchant, sku), main, 7)
    return idle


def break_mug() -> None:
    StockLevel.objects.filter(variant__sku="MUG").update(on_hand=8)


def verify(*arguments: str) -> tuple[int, str]:
    """(exit code, what it printed)."""
    out = StringIO()
    try:
        call_command("verify_stock", *arguments, stdout=out, no_color=True)
    except SystemExit as end:
        return int(str(end.code)), out.getvalue()
    return 0, out.getvalue()


@pytest.fixture
def the_night(monkeypatch: pytest.MonkeyPatch) -> Callable[[], None]:
    """The clock's task, and what it rings for until nothing rings any more."""
    rung: list[tuple[Any, ...]] = []

    def ring(name: str, *given: Any, queue: str) -> None:
        if name == "integrations.tasks.prove_stock":
            rung.append(given)

    monkeypatch.setattr(bell, "ring", ring)

    def night() -> None:
        tasks.maintain()
        while rung:
            tasks.prove_stock(*json.loads(json.dumps(rung.pop())))

    return night


def told() -> list[tuple[Level, str]]:
    levels = (Level.OK, Level.WARN, Level.BAD)
    return [(f.level, f.what) for f in wrong(*levels) if f.about == "stock levels"]


def test_what_adds_up_is_said_to(shelf: Store) -> None:
    assert verify() == (0, "2 items looked at; all of them add up.\n")
    assert verify("--all") == verify()
    assert verify("--sample", "1") == (0, "1 items looked at; all of them add up.\n")
    assert verify("--sku", "mug") == (0, "1 items looked at; all of them add up.\n")


def test_a_broken_level_is_printed_ends_with_code_1_and_stays_broken(shelf: Store) -> None:
    break_mug()

    for arguments in ((), ("--all",), ("--sample", "50")):
        assert verify(*arguments) == (
            1,
            f"{UNTRUE}\n1 of 2 items differ; nothing was changed.\n",
        )
    assert verify("--sku", "MUG")[0] == 1
    assert verify("--sku", "BOX")[0] == 0
    assert StockLevel.objects.get(variant__sku="MUG").on_hand == 8
    assert StockMovement.objects.count() == 2


def test_the_sku_of_a_kit_stands_for_its_parts(shelf: Store) -> None:
    mug = StockLevel.objects.get(variant__sku="MUG").variant
    kits.set_parts(make_item(shelf.merchant, "SET"), {mug.pk: 2}, actor="user:anna")
    break_mug()

    assert verify("--sku", "SET") == (1, f"{UNTRUE}\n1 of 2 items differ; nothing was changed.\n")


@pytest.mark.parametrize(
    ("arguments", "words"),
    [
        (("--sku", "MUGG"), "There is no item with the SKU MUGG."),
        (("--sku", " "), "There is no item with the SKU"),
        (("--sample", "0"), "1 or more"),
        (("--sample", "1", "--all"), "not allowed with"),
    ],
)
def test_what_cannot_be_looked_at_is_refused_in_words(
    shelf: Store, arguments: tuple[str, ...], words: str
) -> None:
    with pytest.raises(CommandError, match=words):
        call_command("verify_stock", *arguments)


@pytest.mark.broker
def test_the_night_finds_a_broken_level_and_doctor_names_it_while_it_is_broken(
    shelf: Store, the_night: Night
) -> None:
    with time_machine.travel(ago(minutes=5), tick=False):
        the_night()
    assert told() == [(Level.OK, "All added up 5 min ago.")]
    ScheduleSlot.objects.filter(job="prove_stock").delete()
    break_mug()

    the_night()

    assert told() == [(Level.BAD, UNTRUE)]
    (event,) = AuditEvent.objects.filter(action="stock.differs")
    assert (event.merchant, event.object_name, event.details) == (
        shelf.merchant,
        "MUG",
        {"said": ["Main warehouse: on hand is 8, its movements add up to 7."]},
    )
    proven = AuditEvent.objects.filter(action="stock.proven").latest("pk")
    assert proven.details == {"items": 2, "differing": 1}
    StockLevel.objects.filter(variant__sku="MUG").update(on_hand=7)
    assert [level for level, _ in told()] == [Level.OK]


def test_a_merchant_is_told_of_their_own_stock_alone(shelf: Store, the_night: Night) -> None:
    break_mug()
    the_night()

    assert [str(one) for one in upkeep.untrue_stock([shelf.merchant_id])] == [UNTRUE]
    assert upkeep.untrue_stock([make_merchant("other").pk]) == []


def test_the_night_goes_on_where_its_time_was_over(
    shelf: Store, the_night: Night, monkeypatch: pytest.MonkeyPatch
) -> None:
    main = locations.default(shelf.merchant_id)
    for number in range(5):
        count(make_item(shelf.merchant, f"I{number}"), main, 1)
    monkeypatch.setattr(verifying, "BATCH", 2)
    monkeypatch.setattr(upkeep, "PROOF_BUDGET_S", -1.0)
    StockLevel.objects.filter(variant__sku__in=["MUG", "I4"]).update(on_hand=8)

    the_night()

    (proven,) = AuditEvent.objects.filter(action="stock.proven")
    assert proven.details == {"items": 7, "differing": 2}


def test_there_is_one_proof_a_night_however_often_the_clock_rings(
    shelf: Store, the_night: Night
) -> None:
    for _ in range(3):
        the_night()

    assert AuditEvent.objects.filter(action="stock.proven").count() == 1


@pytest.mark.broker
def test_stock_that_was_not_proven_for_long_is_told(shelf: Store, the_night: Night) -> None:
    assert told() == [], "nothing can be said of stock that came today"
    StockMovement.objects.update(at=ago(days=5))

    assert told() == [(Level.WARN, "They were last compared with their movements never.")]

    with time_machine.travel(ago(days=3), tick=False):
        the_night()
    assert told() == [(Level.WARN, "They were last compared with their movements 3 days ago.")]
