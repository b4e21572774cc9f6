"""Where sellers sell: Amazon's regions and marketplaces, and what people paste to name one.

Source: the pages "SP-API Endpoints" and "Marketplace IDs" of
https://developer-docs.amazon.com/sp-api, read 2026-11. The zones are those of the capitals, of
Seattle and of Sydney; Amazon names none.
"""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

HOSTS: Mapping[str, str] = {
    "na": "sellingpartnerapi-na.amazon.com",
    "eu": "sellingpartnerapi-eu.amazon.com",
    "fe": "sellingpartnerapi-fe.amazon.com",
}


@dataclass(frozen=True, slots=True)
class Marketplace:
    """``site`` is what follows ``amazon.`` in its address."""

    id: str
    country: str
    site: str
    currency: str
    zone: str
    region: str

    @property
    def name(self) -> str:
        return f"Amazon.{self.site}"


_ALL = (
    Marketplace("ATVPDKIKX0DER", "US", "com", "USD", "America/Los_Angeles", "na"),
    Marketplace("A2EUQ1WTGCTBG2", "CA", "ca", "CAD", "America/Toronto", "na"),
    Marketplace("A1AM78C64UM0Y8", "MX", "com.mx", "MXN", "America/Mexico_City", "na"),
    Marketplace("A2Q3Y263D00KWC", "BR", "com.br", "BRL", "America/Sao_Paulo", "na"),
    Marketplace("A1F83G8C2ARO7P", "GB", "co.uk", "GBP", "Europe/London", "eu"),
    Marketplace("A1PA6795UKMFR9", "DE", "de", "EUR", "Europe/Berlin", "eu"),
    Marketplace("A13V1IB3VIYZZH", "FR", "fr", "EUR", "Europe/Paris", "eu"),
    Marketplace("APJ6JRA9NG5V4", "IT", "it", "EUR", "Europe/Rome", "eu"),
    Marketplace("A1RKKUPIHCS9HS", "ES", "es", "EUR", "Europe/Madrid", "eu"),
    Marketplace("A1805IZSGTT6HS", "NL", "nl", "EUR", "Europe/Amsterdam", "eu"),
    Marketplace("AMEN7PMS3EDWL", "BE", "com.be", "EUR", "Europe/Brussels", "eu"),
    Marketplace("A2NODRKZP88ZB9", "SE", "se", "SEK", "Europe/Stockholm", "eu"),
    Marketplace("A1C3SOZRARQ6R3", "PL", "pl", "PLN", "Europe/Warsaw", "eu"),
    Marketplace("A28R8C7NBKEWEA", "IE", "ie", "EUR", "Europe/Dublin", "eu"),
    Marketplace("A33AVAJ2PDY3EV", "TR", "com.tr", "TRY", "Europe/Istanbul", "eu"),
    Marketplace("A17E79C6D8DWNP", "SA", "sa", "SAR", "Asia/Riyadh", "eu"),
    Marketplace("A2VIGQ35RCS4UG", "AE", "ae", "AED", "Asia/Dubai", "eu"),
    Marketplace("ARBP9OOSHTCHU", "EG", "eg", "EGP", "Africa/Cairo", "eu"),
    Marketplace("AE08WJ6YKNBMC", "ZA", "co.za", "ZAR", "Africa/Johannesburg", "eu"),
    Marketplace("A21TJRUUN4KGV", "IN", "in", "INR", "Asia/Kolkata", "eu"),
    Marketplace("A1VC38T7YXB528", "JP", "co.jp", "JPY", "Asia/Tokyo", "fe"),
    Marketplace("A39IBJ37TRP1C6", "AU", "com.au", "AUD", "Australia/Sydney", "fe"),
    Marketplace("A19VAU5U5O7RUS", "SG", "sg", "SGD", "Asia/Singapore", "fe"),
)
_UNION = frozenset({"DE", "FR", "IT", "ES", "NL", "BE", "SE", "PL", "IE"})
MARKETPLACES: Mapping[str, Marketplace] = {one.id: one for one in _ALL}

# Where sellers of Europe's first marketplaces, and of Japan, sign in; the others at their own site.
_SHARED = dict.fromkeys(("co.uk", "de", "fr", "it", "es"), "sellercentral-europe.amazon.com") | {
    "co.jp": "sellercentral-japan.amazon.com"
}
_CENTRALS = {one.site: _SHARED.get(one.site, f"sellercentral.amazon.{one.site}") for one in _ALL}
SELLER_CENTRALS = frozenset(
    {*_CENTRALS.values(), *(f"sellercentral.amazon.{one.site}" for one in _ALL)}
)
_USUAL = {"na": "com", "eu": "de", "fe": "co.jp"}

# What a region is called, besides its marketplaces.
_REGIONS = {
    "na": "na",
    "north america": "na",
    "eu": "eu",
    "europe": "eu",
    "sellercentral-europe.amazon.com": "eu",
    "fe": "fe",
    "far east": "fe",
    "sellercentral-japan.amazon.com": "fe",
    "uk": "eu",
} | {host: region for region, host in HOSTS.items()}
_BY_SITE = {f"amazon.{one.site}": one.region for one in _ALL}
_BY_WORD = {one.country.lower(): one.region for one in _ALL} | {
    one.id.lower(): one.region for one in _ALL
}
_SCHEME = re.compile(r"https?://")
_IN_FRONT = re.compile(r"^(?:www|smile|sellercentral)\.")


def host_of(typed: str) -> str:
    """The host of the region that a word, a marketplace's address or id, or an address of Seller
    Central stands for; "" for anything else.
    """
    word = _word(typed)
    region = _REGIONS.get(word) or _BY_SITE.get(_IN_FRONT.sub("", word)) or _BY_WORD.get(word)
    return HOSTS[region] if region else ""


def seller_central(named: Sequence[str], host: str) -> str:
    """The host where a seller signs in: of the first of the words that names a marketplace or is
    such a host; where none is more than the region of ``host``, that of its largest marketplace.
    """
    for word in map(_word, named):
        if word in SELLER_CENTRALS:
            return word
        site = _IN_FRONT.sub("", word)
        for one in _ALL:
            if word in (one.country.lower(), one.id.lower()) or site == f"amazon.{one.site}":
                return _CENTRALS[one.site]
    region = next(region for region, known in HOSTS.items() if known == host)
    return _CENTRALS[_USUAL[region]]


def name_of(marketplace_id: str) -> str:
    known = MARKETPLACES.get(marketplace_id)
    return known.name if known else marketplace_id


def id_of(name: str) -> str:
    return next((one.id for one in _ALL if one.name == name), "")


def network_of(marketplace_id: str) -> str:
    """Whose warehouses serve a marketplace: those in the European Union stand for each other, and
    Amazon tells of the same units in each of its marketplaces, of others in the United Kingdom:
    https://github.com/amzn/selling-partner-api-models/issues/452.
    """
    country = _country(marketplace_id) or marketplace_id
    return "EU" if country in _UNION else country


def _country(marketplace_id: str) -> str:
    known = MARKETPLACES.get(marketplace_id)
    return known.country if known else ""


def _word(typed: str) -> str:
    word = _SCHEME.sub("", typed.strip().lower())
    return re.split(r"[/?#]", word, maxsplit=1)[0].strip()
