"""Working deliveries again because a person asks: by one, by range, by command; audited, and
harmless to repeat.
"""

from __future__ import annotations

import io
from datetime import timedelta
from io import StringIO
from typing import Any

import pytest
from django.core.management import CommandError, call_command
from django.utils import timezone

from integrations.models import Store
from logix.accounts.models import AuditEvent
from orders.models import Order, OrderEvent
from tests.factories import make_merchant, make_store
from tests.webhooks.conftest import Keep, make_endpoint, state, told
from webhooks import inbox
from webhooks.models import Delivery

State = Delivery.State


def test_a_replay_of_something_applied_changes_nothing(keep: Keep) -> None:
    delivery = keep(**told())
    inbox.process_ready()
    before = (Order.objects.values().get(), OrderEvent.objects.count())

    delivery.refresh_from_db()
    assert inbox.replay(delivery, actor="user:anna") is True
    inbox.process_ready()

    assert state(delivery) == (State.DONE, "applied")
    assert (Order.objects.values().get(), OrderEvent.objects.count()) == before
    event = AuditEvent.objects.get(action="deliveries.replayed")
    assert (event.actor_kind, event.actor) == ("user", "anna")
    assert event.details == {"count": 1, "first": [str(delivery.pk)]}


def test_a_parked_delivery_is_worked_again(keep: Keep) -> None:
    delivery = keep(**told())
    Delivery.objects.update(state=State.PARKED, attempts=12, problem="broken", fence=30)
    delivery.refresh_from_db()

    inbox.replay(delivery, actor="user:anna")
    inbox.process_ready()

    assert state(delivery) == (State.DONE, "applied")
    assert delivery.problem == ""


def test_what_waits_or_has_lost_its_body_is_left_alone(keep: Keep) -> None:
    waiting, expired = keep(**told(1)), keep(**told(2))
    Delivery.objects.filter(pk=expired.pk).update(state=State.PARKED, body_sealed=None)

    assert inbox.replay(waiting, actor="user:anna") is False
    assert inbox.replay(expired, actor="user:anna") is False
    assert not AuditEvent.objects.filter(action="deliveries.replayed").exists()


def test_a_range_replays_what_came_in_it(keep: Keep, store: Store) -> None:
    now = timezone.now()
    rows = [keep(**told(number)) for number in range(4)]
    inbox.process_ready()
    for hours, row in enumerate(rows):
        Delivery.objects.filter(pk=row.pk).update(received_at=now - timedelta(hours=hours))

    count = inbox.replay_range(store, since=now - timedelta(hours=2), until=now, actor="token:abc")

    assert count == 2
    assert [state(row)[0] for row in rows] == [State.DONE, State.NEW, State.NEW, State.DONE]


def run(**options: Any) -> str:
    out = StringIO()
    call_command("replay", stdout=out, **options)
    return out.getvalue()


def test_the_command_says_how_many_and_asks(keep: Keep, monkeypatch: pytest.MonkeyPatch) -> None:
    delivery = keep(**told())
    inbox.process_ready()
    asked: list[str] = []

    def answer(question: str) -> str:
        asked.append(question)
        return "n"

    monkeypatch.setattr("builtins.input", answer)
    assert "Nothing was replayed." in run()
    assert asked == ["Replay 1 delivery? [y/N] "]
    assert state(delivery)[0] == State.DONE

    monkeypatch.setattr("builtins.input", lambda _: "y")
    assert "1 delivery will be worked again" in run()
    assert state(delivery)[0] == State.NEW


def test_the_command_says_how_to_answer_where_there_is_nobody_to_ask(
    keep: Keep, monkeypatch: pytest.MonkeyPatch
) -> None:
    delivery = keep(**told())
    inbox.process_ready()
    monkeypatch.setattr("sys.stdin", io.StringIO())

    with pytest.raises(CommandError, match=r"nobody to ask\. Give --yes"):
        run()

    assert state(delivery)[0] == State.DONE
    assert "1 delivery will be worked again" in run(yes=True)


def test_the_command_chooses_by_store_state_topic_and_order(keep: Keep, store: Store) -> None:
    other = make_store(
        make_merchant("other"), platform="toy", base_url="https://o.example", name="Other shop"
    )
    there = make_endpoint(other, token="o")
    keep("order.created", **told(1))
    keep("order.updated", **told(2))
    keep("product.updated", **told("p1"))
    keep("order.updated", to=there, **told(2))
    inbox.process_ready()
    Delivery.objects.filter(topic="product.updated").update(state=State.PARKED)
    Order.objects.filter(store=store, external_id="2").update(number="R-2")

    def waiting() -> int:
        count = Delivery.objects.filter(state=State.NEW).count()
        Delivery.objects.filter(state=State.NEW).update(state=State.DONE)
        return count

    run(yes=True, order="R-2")
    assert waiting() == 1
    run(yes=True, order="2")
    assert waiting() == 2
    run(yes=True, order="2", store="Other shop")
    assert waiting() == 1
    run(yes=True, state=["parked"])
    assert waiting() == 1
    run(yes=True, topic="order", store=str(store.pk))
    assert waiting() == 2
    run(yes=True, since="2020-01-01", until="2020-01-02T12:00")
    assert waiting() == 0
    run(yes=True, since="2020-01-01")
    assert waiting() == 4


def test_the_command_says_what_cannot_be_replayed(keep: Keep) -> None:
    keep(**told())
    inbox.process_ready()
    Delivery.objects.update(body_sealed=None)

    said = run(yes=True)

    assert "1 delivery cannot be replayed: the body has expired." in said
    assert "There is nothing to replay." in said


@pytest.mark.parametrize(
    ("options", "sentence"),
    [
        ({"store": "nope"}, "There is no store “nope”. Known are: Example shop."),
        ({"since": "yesterday"}, "--since: write a time like"),
        ({"until": "2026-13-45"}, "--until: write a time like"),
    ],
)
def test_the_command_refuses_in_words(store: Store, options: dict[str, str], sentence: str) -> None:
    with pytest.raises(CommandError, match=sentence.replace("?", r"\?")):
        run(yes=True, **options)


def test_two_stores_of_one_name_need_an_id(store: Store) -> None:
    make_store(make_merchant("other"), platform="toy", base_url="https://o.example")

    with pytest.raises(CommandError, match="Several stores are called"):
        run(yes=True, store="example SHOP")
