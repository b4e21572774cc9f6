"""``manage.py sandbox``: a simulated store on this machine, until Ctrl-C or SIGTERM. It needs
neither the hub nor a database.
"""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable
from pathlib import Path
from types import FrameType
from typing import Any
from zoneinfo import available_timezones

from django.core.management.base import BaseCommand, CommandError, CommandParser

from integrations.sandbox.amazon.marketplaces import USUAL
from integrations.sandbox.amazon.options import AccountOptions
from integrations.sandbox.amazon.shop import Shop as AmazonShop
from integrations.sandbox.dice import dice
from integrations.sandbox.server import Server
from integrations.sandbox.shopify.options import StoreOptions as ShopifyOptions
from integrations.sandbox.shopify.shop import Shop as ShopifyShop
from integrations.sandbox.state import StateBroken
from integrations.sandbox.woocommerce.money import CURRENCY_CODES
from integrations.sandbox.woocommerce.options import NEW, OLD, StoreOptions
from integrations.sandbox.woocommerce.shop import Shop

_PLUGINS = ("fulfillments", "shipment_tracking", "ast")
_LAST_PORT = 65_535
_CURRENCY, _TIMEZONE = "EUR", "Europe/Berlin"
_PLANS = ("standard", "advanced", "plus", "enterprise")


class Command(BaseCommand):
    help = "Run a simulated store. Ctrl-C stops it."
    requires_system_checks = ()

    def create_parser(self, prog_name: str, subcommand: str, **kwargs: Any) -> CommandParser:
        """``--version`` is the store's here, not Django's."""
        return super().create_parser(prog_name, subcommand, conflict_handler="resolve", **kwargs)

    def add_arguments(self, parser: CommandParser) -> None:
        parser.add_argument("--platform", choices=tuple(_STORES), default="woocommerce")
        parser.add_argument("--port", type=int, default=8090, help="0 takes a free one.")
        parser.add_argument(
            "--key", default="", help="Consumer key or client ID; made from the seed if absent."
        )
        parser.add_argument("--secret", default="", help="Its secret, likewise.")
        parser.add_argument("--orders", type=int, default=300, help="Orders of the past.")
        parser.add_argument("--products", type=int, default=60)
        parser.add_argument("--seed", type=int, default=1, help="Equal seeds give equal stores.")
        parser.add_argument("--per-minute", type=float, default=0.0, help="Things that happen.")
        parser.add_argument("--state", type=Path, help="Keep the store in this file and go on.")
        parser.add_argument("--currency", default=_CURRENCY, help="ISO 4217, e.g. JPY.")
        parser.add_argument("--timezone", default=_TIMEZONE)
        parser.add_argument(
            "--same-second", type=int, default=0, help="So many orders were modified in one second."
        )
        woocommerce = parser.add_argument_group("WooCommerce alone")
        woocommerce.add_argument("--version", choices=(NEW, OLD), default=NEW)
        woocommerce.add_argument("--plugins", nargs="*", choices=_PLUGINS, default=[])
        shopify = parser.add_argument_group("Shopify alone")
        shopify.add_argument("--plan", choices=_PLANS, default="standard", help="Its rate limit.")
        others = parser.add_argument_group("Shopify and Amazon")
        others.add_argument(
            "--token",
            help="The permanent token, or refresh token; empty: the app is not installed yet.",
        )
        others.add_argument(
            "--skus", nargs="*", default=[], help="SKUs another store sells too: its first items'."
        )
        amazon = parser.add_argument_group("Amazon alone")
        amazon.add_argument("--region", choices=tuple(USUAL), default="eu", help="Its money, too.")
        amazon.add_argument(
            "--seller", default="", help="Merchant token; made from the seed if absent."
        )
        amazon.add_argument(
            "--queue-endpoint", default="", help="What speaks SQS for the queues it writes into."
        )
        amazon.add_argument(
            "--time-scale", type=float, default=1.0, help="Its clock runs so many times as fast."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        try:
            _check(options)
            shop, greeting = _STORES[options["platform"]](options)
            server = Server(shop, port=options["port"])
        except (StateBroken, ValueError) as err:
            raise CommandError(str(err)) from err
        except OSError as err:
            raise CommandError(
                f"Port {options['port']} cannot be opened ({err.strerror})."
                " Choose another with --port."
            ) from err
        stop = threading.Event()
        for number in (signal.SIGTERM, signal.SIGINT):
            signal.signal(number, _setter(stop))
        try:
            with server:
                self._greet(greeting, server.url, options)
                stop.wait()
                self.stdout.write("Closing …")
        except OSError as err:
            raise CommandError(
                f"The store cannot be kept in {options['state']} ({err.strerror})."
            ) from err
        self.stdout.write("The store is closed.")

    def _greet(self, greeting: Greeting, url: str, options: dict[str, Any]) -> None:
        told, keys = greeting
        self.stdout.write(told)
        for label, value in (
            ("Address", url),
            *keys,
            ("Control page", f"{url}/_sandbox/"),
            ("Kept in", str(options["state"] or "memory only")),
        ):
            self.stdout.write(f"  {label:<16} {value}")
        self.stdout.write("Ctrl-C closes it.")
        self.stdout.flush()


Greeting = tuple[str, tuple[tuple[str, str], ...]]
"""Which store it is, and its keys with their labels."""


def _setter(stop: threading.Event) -> Any:
    def handler(_number: int, _frame: FrameType | None) -> None:
        stop.set()

    return handler


def _check(options: dict[str, Any]) -> None:
    """Raises ValueError for what no store can be."""
    if not 0 <= options["port"] <= _LAST_PORT:
        raise ValueError(f"--port is a number from 0 to {_LAST_PORT}.")
    for name in ("orders", "products", "same_second", "per_minute"):
        if options[name] < 0:
            raise ValueError(f"--{name.replace('_', '-')} cannot be negative.")
    if options["currency"].upper() not in CURRENCY_CODES:
        raise ValueError(f"“{options['currency']}” is no currency WooCommerce knows.")
    if options["timezone"] not in available_timezones():
        raise ValueError(f"“{options['timezone']}” is no time zone. Write it as Europe/Berlin.")


def _woocommerce(options: dict[str, Any]) -> tuple[Shop, Greeting]:
    letters = dice(options["seed"], "key")
    shop = Shop(
        StoreOptions(
            version=options["version"],
            seed=options["seed"],
            orders=options["orders"],
            products=options["products"],
            same_second=options["same_second"],
            timezone=options["timezone"],
            currency=options["currency"].upper(),
            plugins=tuple(options["plugins"]),
            consumer_key=options["key"] or f"ck_{letters.getrandbits(160):040x}",
            consumer_secret=options["secret"] or f"cs_{letters.getrandbits(160):040x}",
        ),
        per_minute=options["per_minute"],
        state_file=options["state"],
    )
    store = shop.store
    told = (
        f"{store.options.title}, a simulated WooCommerce {store.options.version} store with"
        f" {len(store.orders)} orders, {'goes on' if shop.resumed else 'is open'}."
    )
    return shop, (told, (("Consumer key", shop.key), ("Consumer secret", shop.secret)))


def _shopify(options: dict[str, Any]) -> tuple[ShopifyShop, Greeting]:
    letters = dice(options["seed"], "app")
    token = f"shpat_{letters.getrandbits(128):032x}"
    shop = ShopifyShop(
        ShopifyOptions(
            seed=options["seed"],
            orders=options["orders"],
            products=options["products"],
            skus=tuple(options["skus"]),
            same_second=options["same_second"],
            timezone=options["timezone"],
            currency=options["currency"].upper(),
            plan=options["plan"],
            client_id=options["key"] or f"{letters.getrandbits(128):032x}",
            client_secret=options["secret"] or f"shpss_{letters.getrandbits(128):032x}",
            access_token=token if options["token"] is None else options["token"],
        ),
        per_minute=options["per_minute"],
        state_file=options["state"],
    )
    store = shop.store
    told = (
        f"{store.options.title}, a simulated Shopify store with {len(store.orders.ids())} orders,"
        f" {'goes on' if shop.resumed else 'is open'}."
    )
    keys = (
        ("Shop domain", store.options.domain),
        ("Client ID", store.options.client_id),
        ("Client secret", store.options.client_secret),
        ("Access token", shop.token or "none yet"),
    )
    return shop, (told, keys)


def _amazon(options: dict[str, Any]) -> tuple[AmazonShop, Greeting]:
    """Currencies and time zones are those of the region's marketplaces. Raises ValueError."""
    if (options["currency"].upper(), options["timezone"]) != (_CURRENCY, _TIMEZONE):
        raise ValueError("An Amazon account has the money of its marketplaces: choose --region.")
    letters = dice(options["seed"], "seller")
    token = f"Atzr|{letters.getrandbits(512):0128x}"
    shop = AmazonShop(
        AccountOptions(
            seed=options["seed"],
            orders=options["orders"],
            products=options["products"],
            skus=tuple(options["skus"]),
            same_second=options["same_second"],
            region=options["region"],
            time_scale=options["time_scale"],
            queue_endpoint=options["queue_endpoint"],
            seller_id=options["seller"] or f"A{letters.getrandbits(52):013X}",
            client_id=options["key"]
            or f"amzn1.application-oa2-client.{letters.getrandbits(128):032x}",
            client_secret=options["secret"] or f"amzn1.oa2-cs.v1.{letters.getrandbits(256):064x}",
            refresh_token=token if options["token"] is None else options["token"],
        ),
        per_minute=options["per_minute"],
        state_file=options["state"],
    )
    store = shop.store
    told = (
        f"{store.options.title}, a simulated Amazon seller account with {len(store.state.orders)}"
        f" orders, {'goes on' if shop.resumed else 'is open'}."
    )
    keys = (
        ("Seller ID", store.options.seller_id),
        ("Marketplaces", " ".join(store.options.sells_in)),
        ("Application ID", store.options.application_id),
        ("Client ID", store.options.client_id),
        ("Client secret", store.state.login.client_secret),
        ("Refresh token", shop.refresh_token or "none yet"),
    )
    return shop, (told, keys)


_STORES: dict[str, Callable[[dict[str, Any]], tuple[Shop | ShopifyShop | AmazonShop, Greeting]]] = {
    "woocommerce": _woocommerce,
    "shopify": _shopify,
    "amazon": _amazon,
}
