"""The marketplaces of the three regions: ids, money, language, and how orders and stock are named.

Source: the pages "SP-API Endpoints" and "Marketplace IDs" of developer-docs.amazon.com/sp-api, read
2026-11. Order prefixes and the codes of Amazon's own warehouses outside NA, EU and Japan are
assumed. Those of other shops' orders: amzn/selling-partner-api-models#1367, -docs#761 and #1260,
and answers that others published.
"""

from __future__ import annotations

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Marketplace:
    """``afn`` is the fulfilment channel of Amazon's own warehouses; ``prefix`` begins order ids;
    ``keeps_old``: orders are told from 2016 on, elsewhere for two years.
    """

    id: str
    country: str
    name: str
    currency: str
    language: str
    region: str
    afn: str
    prefix: str = "405"
    keeps_old: bool = False

    @property
    def domain(self) -> str:
        return f"www.{self.name.lower()}"


_ALL = (
    Marketplace("ATVPDKIKX0DER", "US", "Amazon.com", "USD", "en_US", "na", "AMAZON_NA", "112"),
    Marketplace("A2EUQ1WTGCTBG2", "CA", "Amazon.ca", "CAD", "en_CA", "na", "AMAZON_NA", "701"),
    Marketplace("A1AM78C64UM0Y8", "MX", "Amazon.com.mx", "MXN", "es_MX", "na", "AMAZON_NA", "702"),
    Marketplace("A2Q3Y263D00KWC", "BR", "Amazon.com.br", "BRL", "pt_BR", "na", "AMAZON_NA", "701"),
    Marketplace("A1F83G8C2ARO7P", "GB", "Amazon.co.uk", "GBP", "en_GB", "eu", "AMAZON_EU", "204"),
    Marketplace("A1PA6795UKMFR9", "DE", "Amazon.de", "EUR", "de_DE", "eu", "AMAZON_EU", "302"),
    Marketplace("A13V1IB3VIYZZH", "FR", "Amazon.fr", "EUR", "fr_FR", "eu", "AMAZON_EU", "404"),
    Marketplace("APJ6JRA9NG5V4", "IT", "Amazon.it", "EUR", "it_IT", "eu", "AMAZON_EU", "405"),
    Marketplace("A1RKKUPIHCS9HS", "ES", "Amazon.es", "EUR", "es_ES", "eu", "AMAZON_EU", "406"),
    Marketplace("A1805IZSGTT6HS", "NL", "Amazon.nl", "EUR", "nl_NL", "eu", "AMAZON_EU"),
    Marketplace("AMEN7PMS3EDWL", "BE", "Amazon.com.be", "EUR", "fr_BE", "eu", "AMAZON_EU"),
    Marketplace("A2NODRKZP88ZB9", "SE", "Amazon.se", "SEK", "sv_SE", "eu", "AMAZON_EU"),
    Marketplace("A1C3SOZRARQ6R3", "PL", "Amazon.pl", "PLN", "pl_PL", "eu", "AMAZON_EU"),
    Marketplace("A28R8C7NBKEWEA", "IE", "Amazon.ie", "EUR", "en_IE", "eu", "AMAZON_EU"),
    Marketplace("A33AVAJ2PDY3EV", "TR", "Amazon.com.tr", "TRY", "tr_TR", "eu", "AMAZON_TR"),
    Marketplace("A17E79C6D8DWNP", "SA", "Amazon.sa", "SAR", "ar_AE", "eu", "AMAZON_SA"),
    Marketplace("A2VIGQ35RCS4UG", "AE", "Amazon.ae", "AED", "en_AE", "eu", "AMAZON_AE"),
    Marketplace("ARBP9OOSHTCHU", "EG", "Amazon.eg", "EGP", "ar_EG", "eu", "AMAZON_EG"),
    Marketplace("AE08WJ6YKNBMC", "ZA", "Amazon.co.za", "ZAR", "en_ZA", "eu", "AMAZON_ZA"),
    Marketplace("A21TJRUUN4KGV", "IN", "Amazon.in", "INR", "en_IN", "eu", "AMAZON_IN"),
    Marketplace(
        "A1VC38T7YXB528", "JP", "Amazon.co.jp", "JPY", "ja_JP", "fe", "AMAZON_JP", "250", True
    ),
    Marketplace(
        "A39IBJ37TRP1C6", "AU", "Amazon.com.au", "AUD", "en_AU", "fe", "AMAZON_AU", "249", True
    ),
    Marketplace(
        "A19VAU5U5O7RUS", "SG", "Amazon.sg", "SGD", "en_SG", "fe", "AMAZON_SG", "503", True
    ),
)
MARKETPLACES: dict[str, Marketplace] = {one.id: one for one in _ALL}


@dataclass(frozen=True, slots=True)
class Elsewhere:
    """Where Amazon books orders of other shops that it sends. A seller takes part in those of his
    region, as in marketplaces, but no call takes them.
    """

    id: str
    country: str
    name: str
    currency: str
    language: str
    region: str
    domain: str


ELSEWHERE = (
    Elsewhere(
        "A2ZV50J4W1RKNI", "US", "Non-Amazon", "USD", "en_US", "na", "sim1.stores.amazon.com"
    ),
    Elsewhere(
        "A1MQXOICRS2Z7M", "CA", "SI CA Prod Marketplace", "CAD", "en_CA", "na",
        "siprod.stores.amazon.ca",
    ),
    Elsewhere(
        "A1ZFFQZ3HTUKT9", "FR", "Non-Amazon", "EUR", "fr_FR", "eu",
        "si-prod-fr-marketplace.stores.amazon.fr",
    ),
    Elsewhere(
        "A38D8NSA03LJTC", "DE", "Non-Amazon", "EUR", "de_DE", "eu",
        "si-prod-marketplace-de.stores.amazon.de",
    ),
)  # fmt: skip

USUAL: dict[str, tuple[str, ...]] = {
    "na": ("ATVPDKIKX0DER", "A2EUQ1WTGCTBG2"),
    "eu": ("A1PA6795UKMFR9", "A13V1IB3VIYZZH", "A1F83G8C2ARO7P"),
    "fe": ("A1VC38T7YXB528", "A39IBJ37TRP1C6"),
}
"""Where a seller of a region sells unless something else is chosen; most of it in the first."""
