"""Sites and adapters for them."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest

from tests.integrations.kit.conftest import Authority
from tests.integrations.woocommerce.desk import Desk
from tests.integrations.woocommerce.site import Site

Sites = Callable[..., Site]


@pytest.fixture
def sites() -> Iterator[Sites]:
    """Makes sites: ``sites(prefix="api")``."""
    made: list[Site] = []

    def make(**options: Any) -> Site:
        made.append(Site(**options))
        return made[-1]

    yield make
    for site in made:
        site.server.close()


@pytest.fixture
def site(sites: Sites) -> Site:
    return sites()


@pytest.fixture
def authority(tmp_path: Path) -> Authority:
    return Authority(tmp_path)


@pytest.fixture
def desk(site: Site) -> Desk:
    return Desk(site)
