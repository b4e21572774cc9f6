"""The adapter at a real queue: a server that speaks SQS, over HTTP."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from contextlib import contextmanager

import pytest

from integrations.amazon.platform import CARD
from integrations.amazon.service import AmazonIntegration
from integrations.base import BaseEcommerceIntegration
from integrations.errors import Misconfigured, PermissionMissing, Unavailable
from integrations.kit.ssrf import AddressGuard
from integrations.sandbox.amazon.options import ALL_ROLES
from integrations.sandbox.amazon.play import acts
from tests.integrations.amazon.conftest import MakeWorld
from tests.integrations.amazon.sqs import KEY, Queue, Sqs, allowing
from tests.integrations.amazon.world import AmazonWorld
from tests.integrations.conformance.world import adapter_of

pytestmark = pytest.mark.sqs


@pytest.fixture
def queue(sqs: Sqs) -> Iterator[Queue]:
    made = sqs.make("news")
    yield made
    made.drop()


@pytest.fixture
def world(make_world: MakeWorld, sqs: Sqs) -> AmazonWorld:
    return make_world(orders=4, queue_endpoint=sqs.url)


@contextmanager
def listening(
    world: AmazonWorld, queue: Queue | Mapping[str, str]
) -> Iterator[BaseEcommerceIntegration]:
    more = queue.credentials if isinstance(queue, Queue) else queue
    with adapter_of(world, credentials={**world.credentials, **more}) as adapter:
        yield adapter


def writes(world: AmazonWorld) -> int:
    return sum(row.method != "GET" for row in world.shop.asked)


def led(world: AmazonWorld) -> dict[str, str]:
    """Type of news → the queue it goes into."""
    with world.shop.store.working():
        state = world.shop.store.state
        return {
            kind: state.destinations[one.destination].arn
            for kind, one in state.subscriptions.items()
        }


def test_subscriptions_are_made_kept_mended_and_removed(world: AmazonWorld, queue: Queue) -> None:
    everything = dict.fromkeys(CARD.topics, queue.arn)
    with listening(world, queue) as adapter:
        made = adapter.setup_webhooks(CARD.topics)
        assert led(world) == everything
        assert [(x.topic, x.url, x.mended) for x in made] == [
            (topic, queue.arn, "created") for topic in CARD.topics
        ]

        before = writes(world)
        kept = adapter.setup_webhooks(CARD.topics)
        assert {x.mended for x in kept} == {""}
        assert {x.external_id for x in kept} == {x.external_id for x in made}
        assert writes(world) == before

        with world.shop.store.working():
            del world.shop.store.state.subscriptions["ORDER_CHANGE"]
        mended = [x.topic for x in adapter.setup_webhooks(CARD.topics) if x.mended]
        assert mended == ["ORDER_CHANGE"]
        assert led(world) == everything

        adapter.drop_webhooks()
        adapter.drop_webhooks()
    assert led(world) == {}
    assert world.shop.store.state.destinations == {}


def test_another_queue_takes_over_what_logix_led_to_the_last_one(
    world: AmazonWorld, queue: Queue, sqs: Sqs
) -> None:
    other = sqs.make("other-news")
    with listening(world, queue) as adapter:
        adapter.setup_webhooks(CARD.topics)

    with listening(world, other) as adapter:
        moved = adapter.setup_webhooks(CARD.topics)

    assert led(world) == dict.fromkeys(CARD.topics, other.arn)
    assert {x.mended for x in moved} == {"led to this queue"}
    other.drop()


def test_what_another_program_led_elsewhere_is_left_alone_and_told(
    world: AmazonWorld, queue: Queue
) -> None:
    with listening(world, queue) as adapter:
        assert isinstance(adapter, AmazonIntegration)
        foreign = "arn:aws:sqs:us-east-1:999999999999:theirs"
        resource = {"sqs": {"arn": foreign}}
        body = {"name": "Their tool", "resourceSpecification": resource}
        place = adapter.client.create_destination(body).json()["payload"]["destinationId"]
        adapter.client.create_subscription(
            "ORDER_CHANGE", {"payloadVersion": "1.0", "destinationId": place}
        )

        found = {x.topic: x for x in adapter.setup_webhooks(CARD.topics)}

    assert led(world)["ORDER_CHANGE"] == foreign
    assert not found["ORDER_CHANGE"].active
    assert "“Their tool”" in found["ORDER_CHANGE"].problem
    assert all(x.active for topic, x in found.items() if topic != "ORDER_CHANGE")


def test_a_role_that_is_missing_costs_its_own_news_alone(world: AmazonWorld, queue: Queue) -> None:
    with listening(world, queue) as adapter:
        adapter.setup_webhooks(CARD.topics)
        adapter.drop_webhooks()
        acts.grant(world.shop.store, [x for x in ALL_ROLES if x != "Amazon Fulfillment"])

        found = {x.topic: x for x in adapter.setup_webhooks(CARD.topics)}

        asleep = {"FBA_INVENTORY_AVAILABILITY_CHANGES", "FULFILLMENT_ORDER_STATUS"}
        assert {topic for topic, x in found.items() if not x.active} == asleep
        assert set(led(world)) == set(CARD.topics) - asleep
        for topic in asleep:
            assert "lacks the role “Amazon Fulfillment”" in found[topic].problem
            assert "Edit App, then authorise it again" in found[topic].problem

        world.trouble("role_missing", route="ORDER_CHANGE getSubscription")
        (news,) = adapter.setup_webhooks(["ORDER_CHANGE"])
        assert "The app lacks a role for this" in news.problem
        world.peace()

        adapter.drop_webhooks()
    assert led(world) == {}


def test_a_queue_that_amazon_may_not_write_into_is_refused_in_words_that_mend_it(
    world: AmazonWorld, sqs: Sqs
) -> None:
    queue = sqs.make("shut", policy={})
    with listening(world, queue) as adapter:
        with pytest.raises(PermissionMissing) as none:
            adapter.setup_webhooks(CARD.topics)
        queue.allow(allowing(queue.arn, "SQS:SendMessage"))
        with pytest.raises(PermissionMissing) as half:
            adapter.setup_webhooks(CARD.topics)

        assert none.value.code == half.value.code == "queue_policy"
        assert "437568002678 SQS:SendMessage and SQS:GetQueueAttributes." in str(none.value)
        assert "437568002678 SQS:GetQueueAttributes." in str(half.value)
        assert led(world) == {}

        queue.allow(allowing(queue.arn))
        assert len(adapter.setup_webhooks(CARD.topics)) == len(CARD.topics)
    queue.drop()


def test_messages_are_given_once_until_they_are_acknowledged_or_time_is_up(
    world: AmazonWorld, queue: Queue
) -> None:
    with listening(world, queue) as adapter:
        assert adapter.receive_news(wait_s=0) == []
        adapter.setup_webhooks(CARD.topics)
        order_ids = [world.place_order(), world.place_order()]
        queue.put("not json at all")

        news = adapter.receive_news(wait_s=1)
        news += adapter.receive_news(wait_s=0)

        said = [event for x in news[:2] for event in adapter.handle_webhook(x.delivery)]
        bodies = {x.delivery.body for x in news}
        assert b"not json at all" in bodies
        assert {x.delivery.topic for x in news} == {"ORDER_CHANGE", ""}
        assert adapter.receive_news(wait_s=0) == []
        assert queue.waiting() == 3
        adapter.acknowledge_news([x.receipt for x in news])
        adapter.acknowledge_news([x.receipt for x in news])
        adapter.acknowledge_news([])
    assert queue.waiting() == 0
    assert {event.external_id for event in said} <= set(order_ids)


def test_who_must_act_is_said_of_what_cannot_be_reached(
    world: AmazonWorld, queue: Queue, sqs: Sqs
) -> None:
    gone = {"queue": queue.url.replace("news", "never-made"), **KEY}
    silent = {"queue": "http://127.0.0.1:9/123456789012/news", **KEY}
    with listening(world, gone) as adapter, pytest.raises(Misconfigured, match=r"no such queue"):
        adapter.receive_news(wait_s=0)
    with listening(world, silent) as adapter, pytest.raises(Unavailable, match=r"127\.0\.0\.1"):
        adapter.receive_news(wait_s=0)
    with listening(world, queue) as adapter:
        adapter.connection.http.guard = AddressGuard()
        with pytest.raises(Misconfigured, match=r"https"):
            adapter.receive_news(wait_s=0)


def test_what_the_machine_has_for_aws_is_named_where_nothing_begins_with_it(
    world: AmazonWorld, queue: Queue, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("AWS_PROFILE", "nobody")
    unknown_yet = {**queue.credentials, "aws_access_key_id": "AKIANOBODYNOBODYNOBO"}

    with listening(world, unknown_yet) as adapter, pytest.raises(Misconfigured) as caught:
        adapter.receive_news(wait_s=0)

    assert caught.value.code == "aws_settings"
    assert "(ProfileNotFound)" in str(caught.value)
