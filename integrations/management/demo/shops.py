"""The simulated stores of the demonstration: how each is started and how it is connected."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from datetime import timedelta

from django.utils import timezone

from integrations import connect
from integrations.connect import hooks, opening
from integrations.models import Store, StoreStatus
from logix.accounts.models import Merchant

_ACTOR = "demo"
_KEY, _SECRET = "ck_" + "d" * 40, "cs_" + "d" * 40
_CLIENT, _CLIENT_SECRET = "d" * 32, "shpss_" + "d" * 32
_TOKEN = "shpat_" + "d" * 32
_APP, _APP_SECRET = "amzn1.application-oa2-client." + "d" * 32, "amzn1.oa2-cs.v1." + "d" * 64
_REFRESH_TOKEN, _SELLER = "Atzr|" + "d" * 64, "A2DEM0SELLER7"

SHARED_SKUS = ("SKU-0001", "SKU-0002", "SKU-0012", "SKU-0014", "SKU-0016", "SKU-0018")
"""Of the first store's plain items, those the second sells as well."""


@dataclass(frozen=True, slots=True, kw_only=True)
class Shop:
    """``share`` of the orders asked for are in this store, and orders are read as far back as
    ``past``; None: to the very first. ``arguments`` make the simulator hold the ``credentials`` it
    is connected with.
    """

    platform: str
    name: str
    share: float
    state_file: str
    credentials: Mapping[str, str]
    arguments: tuple[str, ...]
    past: timedelta | None = None

    @property
    def port_variable(self) -> str:
        return f"LOGIX_DEMO_{self.platform.upper()}_PORT"


SHOPS = (
    Shop(
        platform="woocommerce",
        name="Sandbox shop",
        share=1.0,
        state_file="sandbox.json",
        credentials={"consumer_key": _KEY, "consumer_secret": _SECRET},
        arguments=(f"--key={_KEY}", f"--secret={_SECRET}"),
    ),
    Shop(
        platform="shopify",
        name="Sandbox boutique",
        share=0.3,
        state_file="sandbox-shopify.json",
        credentials={"access_token": _TOKEN, "client_secret": _CLIENT_SECRET},
        # On the smallest plan the first reading takes minutes, most of them waiting for points.
        arguments=(
            f"--key={_CLIENT}",
            f"--secret={_CLIENT_SECRET}",
            f"--token={_TOKEN}",
            "--plan=plus",
            "--skus",
            *SHARED_SKUS,
        ),
    ),
    Shop(
        platform="amazon",
        name="Sandbox seller",
        share=0.2,
        state_file="sandbox-amazon.json",
        credentials={
            "client_id": _APP,
            "client_secret": _APP_SECRET,
            "refresh_token": _REFRESH_TOKEN,
            "seller_id": _SELLER,
        },
        arguments=(
            f"--key={_APP}",
            f"--secret={_APP_SECRET}",
            f"--token={_REFRESH_TOKEN}",
            f"--seller={_SELLER}",
            "--skus",
            *SHARED_SKUS,
        ),
        # All that is sold there, and less than the two years Amazon tells of.
        past=timedelta(days=365),
    ),
)


def earlier(merchant: Merchant, shop: Shop) -> Store | None:
    """The store of an earlier demo; others of its platform were connected after it."""
    rows = Store.objects.filter(merchant=merchant, platform=shop.platform)
    return rows.exclude(status=StoreStatus.DISCONNECTED).order_by("created_at").first()


def connect_new(merchant: Merchant, shop: Shop, url: str) -> Store:
    store = connect.connect_store(
        merchant=merchant,
        platform=shop.platform,
        base_url=url,
        credentials=shop.credentials,
        name=shop.name,
        writes_enabled=True,
        import_since=timezone.now() - shop.past if shop.past else None,
        actor=_ACTOR,
    )
    if connect.lacks_places(store):
        connect.make_places(store, actor=_ACTOR)
    return store


def go_on(store: Store, url: str) -> None:
    """The address may have moved to another port, and what failed before was the store being
    stopped.
    """
    if store.base_url != url:
        Store.objects.filter(pk=store.pk).update(base_url=url)
        store.base_url = url
    if store.is_active:
        opening.wake(store)
        hooks.try_webhooks(store)
