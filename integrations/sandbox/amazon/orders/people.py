"""Invented buyers and places, by country: many scripts, no real data."""

from __future__ import annotations

from dataclasses import dataclass

NAMES: dict[str, tuple[str, ...]] = {
    "DE": ("Zoë Müller", "Jürgen Großkopf", "Ayşe Öztürk", "Anne-Marie D’Arcy", "Łukasz Żółty"),
    "FR": ("Renée Lefèvre", "Chloé O’Neil", "Thị Hồng Nguyễn", "Garçon Peña"),
    "GB": ("Siân MacDonald", "Priya Smith", "Bo van der Berg", "José Straße"),
    "IT": ("Niccolò Sforza", "Zoë D’Angelo"),
    "ES": ("José Peña", "Íñigo Muñoz"),
    "US": ("🌻 Lily Smith", "María-José Núñez", "Bo O’Hara"),
    "CA": ("Renée Tremblay", "Siân Smith"),
    "JP": ("田中 さくら", "明 高橋", "渡邉 花子"),
    "AU": ("Matilda Åkesson", "Bo Smith"),
}
COMPANIES = ("Bürobedarf Öztürk GmbH", "Café Zürich AG", "株式会社さくら", "Łęcki & Söhne")
GIFTS = (
    "Alles Gute zum Geburtstag 🎂",
    "Zeile eins\nZeile zwei",
    "お誕生日おめでとう",
    "For you & yours <3",
)
REASONS = ("BUYER_CANCELED", "ORDERED_WRONG_ITEM", "FOUND_CHEAPER_ELSEWHERE", "NO_LONGER_NEEDED")
"""Why a buyer wants out. The model lists no words; these are assumed."""

CARRIERS = (("DHL", "DHL Paket"), ("DPD", "DPD Classic"), ("UPS", "UPS Standard"), ("GLS", "GLS"))


@dataclass(frozen=True, slots=True)
class Place:
    """``extra`` is a second address line."""

    line: str
    city: str
    state: str
    zip: str
    phone: str
    extra: str = ""


PLACES: dict[str, tuple[Place, ...]] = {
    "DE": (
        Place("Ringstraße 5", "Köln", "", "50667", "+49 221 5550101"),
        Place("Packstation 142", "Berlin", "", "10115", "+49 30 5550102", "Postnr. 1234567"),
    ),
    "FR": (Place("12 Rue de l’Église", "Besançon", "", "25000", "+33 3 55501010", "Bât. B"),),
    "GB": (Place("4 Stryd Fawr", "Llanfairpwll", "Wales", "LL61 5UJ", "+44 1248 555010"),),
    "IT": (Place("Via Sant’Agata 3", "Forlì", "FC", "47121", "+39 0543 555010"),),
    "ES": (Place("Calle Mayor 8, 2º", "A Coruña", "A Coruña", "15001", "+34 981 555010"),),
    "US": (Place("7 Main St.", "San José", "CA", "95113-1234", "+1 408-555-0101 ext. 12345"),),
    "CA": (Place("9 Rue Notre-Dame", "Montréal", "QC", "H2Y 1C6", "+1 514-555-0101"),),
    "JP": (
        Place("本町1-2-3", "千代田区", "東京都", "100-0001", "+81 3-5550-1010", "さくら荘 101"),
    ),
    "AU": (Place("3 O’Connell St", "Adelaide", "SA", "5000", "+61 8 5550 1010"),),
}
_NOWHERE = (Place("1 Main Road", "Anytown", "", "10000", "+1 555 0100"),)


def names_in(country: str) -> tuple[str, ...]:
    return NAMES.get(country, NAMES["GB"])


def places_in(country: str) -> tuple[Place, ...]:
    return PLACES.get(country, _NOWHERE)
