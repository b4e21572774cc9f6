"""The contract of an adapter as tests. A platform inherits ``AdapterConformance``, says where its
simulator's world is, and is held to everything its card does not exempt.

::

    class TestWooCommerce(AdapterConformance):
        @pytest.fixture
        def world(self) -> Iterator[World]:
            with WooWorld() as world:
                yield world
"""

from tests.integrations.conformance.suite import AdapterConformance
from tests.integrations.conformance.world import World, adapter_of

__all__ = ["AdapterConformance", "World", "adapter_of"]
