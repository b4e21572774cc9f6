"""Carriers by the names Amazon knows them: anything else is “Other” with a name.

A code that is not spelled as Seller Central spells it may be answered with 204 and the parcel
dropped without a word (https://github.com/amzn/selling-partner-api-models/issues/5232 and
-docs/issues/772), so only names that are sure stand here.
"""

from __future__ import annotations

OTHER = "Other"

_KNOWN = (
    "Australia Post", "Bpost", "Canada Post", "Chronopost", "Colissimo", "Correos", "DHL",
    "DHL eCommerce", "DHL Express", "DPD", "Deutsche Post", "Evri", "FedEx", "GLS", "Hermes",
    "InPost", "La Poste", "Mondial Relay", "OnTrac", "Poste Italiane", "PostNL", "PostNord",
    "Royal Mail", "SEUR", "Swiss Post", "TNT", "UPS", "USPS", "Yodel",
)  # fmt: skip
_CODES = {name.lower(): name for name in _KNOWN} | {
    "dhl paket": "DHL",
    "dhl parcel": "DHL",
    "die post": "Swiss Post",
    "federal express": "FedEx",
    "swisspost": "Swiss Post",
    "united parcel service": "UPS",
    "united states postal service": "USPS",
    "yamato": "YAMATO",
    "yamato transport": "YAMATO",
    "sagawa": "SAGAWA",
    "sagawa express": "SAGAWA",
}


def code_of(carrier: str) -> str:
    """Amazon's code, “Other” for a carrier that is not in the table."""
    return _CODES.get(" ".join(carrier.lower().replace("-", " ").split()), OTHER)


def from_carrier(carrier: str) -> dict[str, str]:
    """The fields of a parcel that name its carrier."""
    code = code_of(carrier)
    return {"carrierCode": code} | ({"carrierName": carrier.strip()} if code == OTHER else {})
