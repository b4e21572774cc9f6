"""Invented people, companies and places for the seed: many scripts, no real data."""

from __future__ import annotations

from dataclasses import dataclass

FIRST_NAMES = (
    "Zoë", "Jürgen", "Ελένη", "Ольга", "明", "さくら", "محمد", "רחל", "Łukasz", "Siân",
    "O'Neil", "Anne-Marie", "José", "Thị Hồng", "🌻 Lily", "Ægir", "Renée", "Priya", "Bo",
    "Zoe\u0308",
)  # fmt: skip
LAST_NAMES = (
    "Müller", "Peña", "Соколова", "Παππάς", "田中", "الأحمد", "כהן", "Żółty", "D’Arcy", "Smith",
    "van der Berg", "Großkopf", "Åkesson", "Çelik", "MacDonald", "Nguyễn", "Straße", "李", "ﬁne",
)  # fmt: skip
STREETS = ("Ringstraße", "Rue de l’Église", "Packstation", "Main St. #", "улица Мира,", "本町")


@dataclass(frozen=True, slots=True)
class Place:
    """``weight`` says how often somebody lives there; ``is_abroad``: duties are due."""

    country_code: str
    country: str
    province_code: str
    province: str
    city: str
    zip: str
    prefix: str
    weight: int
    is_abroad: bool = False


PLACES = (
    Place("DE", "Germany", "", "", "Köln", "50667", "+49221", 52),
    Place("DE", "Germany", "", "", "Berlin", "10115", "+4930", 18),
    Place("AT", "Austria", "", "", "Wien", "1010", "+431", 8),
    Place("FR", "France", "", "", "Besançon", "25000", "+333", 8),
    Place("US", "United States", "CA", "California", "San José", "95113", "+1408", 4, True),
    Place("GB", "United Kingdom", "WLS", "Wales", "Llanfairpwll", "LL61 5UJ", "+441248", 4, True),
    Place("CH", "Switzerland", "", "", "Zürich", "8001", "+4144", 3, True),
    Place("JP", "Japan", "JP-13", "Tōkyō", "東京", "100-0001", "+813", 2, True),
    Place("KW", "Kuwait", "", "", "مدينة الكويت", "", "+965", 1, True),
)

# country → (title, rate in per cent); nothing is due where the store does not collect
TAXES: dict[str, tuple[tuple[str, str], ...]] = {
    "DE": (("MwSt.", "0.19"),),
    "AT": (("USt.", "0.20"),),
    "FR": (("TVA", "0.20"),),
    "GB": (("VAT", "0.20"),),
    "US": (("California State Tax", "0.0725"), ("Santa Clara County Tax", "0.0125")),
}
NET_PRICES = frozenset({"US"})
"""Where tax comes on top, whatever the shop's own prices say."""

COMPANIES = (
    ("Bürobedarf Öztürk GmbH", ("Zentrale Köln", "Lager Düren")),
    ("Café Zürich AG", ("Limmatquai", "Bahnhof")),
    ("株式会社さくら", ("本社",)),
    ("Łęcki & Söhne", ("Poznań", "Berlin")),
)

NOTES = (
    None, None, None, None,
    "Bitte beim Nachbarn abgeben 🙏",
    "Zeile eins\nZeile zwei\twith a tab",
    "يرجى الاتصال قبل التسليم",
    "Ring twice & say “hello” <3",
)  # fmt: skip
TAGS = ("vip", "größe-geprüft", "B2B", "wholesale", "gift 🎁", "erp:exported")
ATTRIBUTES = (
    ("gift_wrap", "true"),
    ("Lieferdatum", "2026-12-24"),
    ("__hidden", ""),
    ("Gravur", "Für Zoë 💍"),
    ("cart_json", '{"a": [1, null, "ü"]}'),
)
CARRIERS = ("DHL", "DPD", "UPS", "Hermes", "Deutsche Post", "La Poste", "Fahrradkurier Köln")
