"""A simulated account over real HTTP and an adapter for it; what is asked and answered is held
against the official models, where they are at hand.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from pathlib import Path
from typing import Any

import pytest

from integrations.amazon.service import AmazonIntegration
from tests.integrations.amazon.sqs import sqs
from tests.integrations.amazon.world import AmazonWorld, amazon_world
from tests.integrations.conformance.suite import knowing
from tests.integrations.conformance.world import adapter_of
from tests.integrations.sandbox.amazon.official import hold

__all__ = ["sqs"]

MakeWorld = Callable[..., AmazonWorld]
MakeAdapter = Callable[..., AmazonIntegration]


@pytest.fixture
def make_world(contracts: Path | None) -> Iterator[MakeWorld]:
    """``make_world(orders=0, …)``: AccountOptions."""
    made: list[AmazonWorld] = []
    with ExitStack() as stack:

        def make(**options: Any) -> AmazonWorld:
            made.append(stack.enter_context(amazon_world(**options)))
            return made[-1]

        yield make
        hold(contracts, (asked for world in made for asked in world.shop.asked))


@pytest.fixture
def world(make_world: MakeWorld) -> AmazonWorld:
    """A small account in Germany, France and the United Kingdom."""
    return make_world(orders=12)


@pytest.fixture
def make_adapter() -> Iterator[MakeAdapter]:
    """``make_adapter(world, options={…}, retries=0, …)``: as the hub makes it after connecting."""
    with ExitStack() as stack:

        def make(
            world: AmazonWorld, options: dict[str, Any] | None = None, **session: Any
        ) -> AmazonIntegration:
            bare = stack.enter_context(adapter_of(world, options=options, **session))
            connected = knowing(world, bare) if not options else bare
            assert isinstance(connected, AmazonIntegration)
            return connected

        yield make


@pytest.fixture
def adapter(world: AmazonWorld, make_adapter: MakeAdapter) -> AmazonIntegration:
    return make_adapter(world)
