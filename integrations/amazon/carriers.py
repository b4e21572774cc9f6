"""Carriers by the names Amazon knows them: anything else is “Other” with a name.

A code that is not spelled to the letter may be answered with 204 and the parcel dropped without a
word (https://github.com/amzn/selling-partner-api-models/issues/5232 and -docs/issues/772). These
are spelled as ``CarrierCode`` in Amazon's amzn-base.xsd spells them (…-docs/issues/2530).
"""

from __future__ import annotations

OTHER = "Other"

_KNOWN = (
    "4PX", "APC Overnight", "Amazon Shipping", "Aramex", "Arrow XL", "Asendia", "Australia Post",
    "BPOST", "BRT", "BlueDart", "CTT EXPRESS", "Canada Post", "China Post", "Chronopost",
    "Colis Prive", "Colissimo", "Correos", "Correos Express", "DACHSER", "DB Schenker", "DHL",
    "DHL Express", "DHL Freight", "DHL eCommerce", "DPD", "DPD Local", "DSV", "DTDC", "DX",
    "Delhivery", "Deutsche Post", "Estafeta", "FedEx", "GEODIS", "GLS", "Hermes", "Hermes UK",
    "Hongkong Post", "InPost", "India Post", "Japan Post", "La Poste", "Lasership", "MRW",
    "Mondial Relay", "NACEX", "OnTrac", "PUROLATOR", "Parcelforce", "Polish Post", "PostNL",
    "PostNord", "Poste Italiane", "Royal Mail", "SAGAWA", "SDA", "SF Express", "Sendle", "Seur",
    "Singapore Post", "Swiss post", "TIPSA", "TNT", "Tuffnells", "UPS", "USPS", "Whistl", "XDP",
    "XPO", "YAMATO", "Yanwen", "Yodel", "Yun Express",
)  # fmt: skip
_CODES = {name.lower(): name for name in _KNOWN} | {
    "dhl paket": "DHL",
    "dhl parcel": "DHL",
    "die post": "Swiss post",
    "federal express": "FedEx",
    "post nl": "PostNL",
    "sagawa express": "SAGAWA",
    "schweizer post": "Swiss post",
    "swisspost": "Swiss post",
    "united parcel service": "UPS",
    "united states postal service": "USPS",
    "yamato transport": "YAMATO",
}


def code_of(carrier: str) -> str:
    """Amazon's code, “Other” for a carrier that is not in the table."""
    return _CODES.get(" ".join(carrier.lower().replace("-", " ").split()), OTHER)


def from_carrier(carrier: str) -> dict[str, str]:
    """The fields of a parcel that name its carrier."""
    code = code_of(carrier)
    return {"carrierCode": code} | ({"carrierName": carrier.strip()} if code == OTHER else {})
