"""Customers, made from the seed when somebody looks, and the companies some of them buy for."""

from __future__ import annotations

from typing import ClassVar

from msgspec import Struct, field

from integrations.sandbox.dice import dice
from integrations.sandbox.shopify.models import Metafield
from integrations.sandbox.shopify.orders import people
from integrations.sandbox.shopify.orders.models import Address

FIRST_CUSTOMER, FIRST_ADDRESS = 7_200_000_000_000, 9_100_000_000_000
FIRST_COMPANY, FIRST_COMPANY_LOCATION, FIRST_CONTACT = 2_310_001, 2_920_001, 3_150_001
_DAY = 86_400


class Customer(Struct):
    """Empty text stands for null. ``state`` is a CustomerState."""

    id: int
    first_name: str
    last_name: str
    email: str
    phone: str
    created_at: int
    updated_at: int
    address: Address
    locale: str = "de"
    state: str = "DISABLED"
    note: str | None = None
    verified_email: bool = True
    tax_exempt: bool = False
    accepts_marketing: bool = False
    tags: list[str] = field(default_factory=list)
    metafields: list[Metafield] = field(default_factory=list)

    @property
    def display_name(self) -> str:
        return f"{self.first_name} {self.last_name}".strip() or self.email or self.phone


class CompanyLocation(Struct):
    id: int
    company_id: int
    name: str
    external_id: str
    created_at: int


class CompanyContact(Struct):
    id: int
    company_id: int
    customer_id: int
    created_at: int
    title: str = "Einkauf"


class Company(Struct):
    TYPE: ClassVar[str] = "Company"

    id: int
    name: str
    external_id: str
    created_at: int
    locations: list[CompanyLocation]
    contacts: list[CompanyContact]
    note: str | None = None


def customer_id(number: int) -> int:
    return FIRST_CUSTOMER + number


def make_customer(seed: int, number: int, born: int, updated: int) -> Customer:
    """The ``number``th of a seed; equal arguments give equal people."""
    chance = dice(seed, "customer", number)
    place = chance.choices(people.PLACES, [row.weight for row in people.PLACES])[0]
    name = chance.choice(people.FIRST_NAMES), chance.choice(people.LAST_NAMES)
    phone = f"{place.prefix}{number:06d}" if chance.random() < 0.7 else ""
    return Customer(
        id=customer_id(number),
        first_name=name[0],
        last_name=name[1],
        email=f"kunde{number}@gaeste.example" if chance.random() < 0.95 else "",
        phone=phone,
        created_at=born,
        updated_at=updated,
        address=Address(
            id=FIRST_ADDRESS + number,
            first_name=name[0],
            last_name=name[1],
            company="Ærlig & Söhne KG" if chance.random() < 0.1 else "",
            address1=f"{chance.choice(people.STREETS)} {number % 200 + 1}",
            address2="Hinterhaus, 3. OG" if chance.random() < 0.15 else "",
            city=place.city,
            province=place.province,
            province_code=place.province_code,
            zip=place.zip,
            country=place.country,
            country_code=place.country_code,
            phone=phone,
        ),
        locale="de" if place.country_code in ("DE", "AT", "CH") else "en",
        state="ENABLED" if chance.random() < 0.4 else "DISABLED",
        note="Ruft gern an ☎" if chance.random() < 0.05 else None,
        accepts_marketing=chance.random() < 0.3,
        tags=["vip"] if chance.random() < 0.08 else [],
    )


def companies(now: int) -> dict[int, Company]:
    """Each with its places, and its first customer to buy for it."""
    found: dict[int, Company] = {}
    places = 0
    for number, (name, names) in enumerate(people.COMPANIES):
        made = now - (700 - number) * _DAY
        company_id = FIRST_COMPANY + number
        locations = []
        for title in names:
            locations.append(
                CompanyLocation(
                    FIRST_COMPANY_LOCATION + places, company_id, title, f"DEB-{places:04d}", made
                )
            )
            places += 1
        contact = CompanyContact(FIRST_CONTACT + number, company_id, customer_id(number), made)
        found[company_id] = Company(
            company_id, name, f"ERP-{1000 + number}", made, locations, [contact]
        )
    return found
