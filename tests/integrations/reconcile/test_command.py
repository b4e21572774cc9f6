"""``manage.py reconcile``: a table that a person can sign, and an exit code."""

from __future__ import annotations

from io import StringIO

import pytest
from django.core.management import CommandError, call_command

from integrations.models import ParkedRecord, Reconciliation, Store
from orders.models import Order
from tests.integrations.reconcile.conftest import counted_listing, set_stock
from tests.integrations.woocommerce.world import WooWorld

pytestmark = pytest.mark.django_db(transaction=True)


def run(*words: str) -> tuple[int, str]:
    out = StringIO()
    try:
        call_command("reconcile", *words, stdout=out, no_color=True)
    except SystemExit as end:
        return int(str(end.code)), out.getvalue()
    return 0, out.getvalue()


def test_nothing_to_heal_is_a_table_with_a_signed_off_zero(woo_store: Store) -> None:
    code, said = run("--days=365")

    assert code == 0
    lines = said.splitlines()
    assert lines[0].startswith("Musterladen: orders placed 20")
    assert "  Orders the store lists                              12" in lines
    assert "  Missing here: read now                               0" in lines
    assert lines[-1].startswith("  0 differences: 12 orders at the store and 12 here, ")


def test_what_was_healed_is_named_and_is_no_failure(woo_store: Store, shop: WooWorld) -> None:
    external_id = shop.place_order()
    rehearsed = run("--store=Musterladen", "--dry-run")
    assert not Order.objects.filter(external_id=external_id).exists()

    code, said = run(f"--store={woo_store.pk}")

    assert (rehearsed[0], code) == (0, 0)
    assert "a dry run" in rehearsed[1].splitlines()[0]
    assert f"  Order {external_id} was missing here and was read." in said.splitlines()
    assert Order.objects.filter(external_id=external_id).exists()


def test_what_could_not_be_healed_is_a_failure(woo_store: Store, shop: WooWorld) -> None:
    external_id = shop.place_order()
    ParkedRecord.objects.create(
        store=woo_store, stream="orders", external_id=external_id, code="x", reason="No total."
    )

    code, said = run()

    assert code == 1
    assert f"Order {external_id} is missing here: it is parked. No total." in said


def test_a_stop_is_said_and_is_a_failure(
    woo_store: Store, shop: WooWorld, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("integrations.reconcile.stock.MANY", 0)
    for number in range(2):
        set_stock(shop, counted_listing(woo_store, number), 0)

    code, said = run()

    assert code == 1
    assert "show 0, and no sale explains it." in said
    assert Reconciliation.objects.get().state == "stopped"


@pytest.mark.parametrize(
    ("words", "told"),
    [
        (["--days=0"], "a number from 1 to 365"),
        (["--days=366"], "a number from 1 to 365"),
        (["--store=nobody"], "No store matches “nobody”"),
    ],
)
def test_what_was_mistyped_is_said(db: None, words: list[str], told: str) -> None:
    with pytest.raises(CommandError, match=told):
        run(*words)


def test_without_a_store_there_is_nothing_to_compare(db: None) -> None:
    assert run() == (0, "No store is active whose orders were read.\n")


def test_one_that_is_compared_already_is_a_failure(woo_store: Store) -> None:
    assert run("--days=1")[0] == 0
    Reconciliation.objects.update(state="running")
    code, said = run()
    assert (code, said) == (
        1,
        "Musterladen is being compared already. Wait for that to end.\n",
    )
