"""Make a merchant: ``manage.py create_merchant "North Sea Tea" --slug north-sea-tea``."""

from __future__ import annotations

from argparse import ArgumentParser
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.db import IntegrityError, transaction
from django.utils.text import slugify

from logix.accounts import audit
from logix.accounts.models import Merchant


class Command(BaseCommand):
    help = "Make a merchant, the owner of stores, orders, stock and API tokens."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("name", help="As people call it.")
        parser.add_argument("--slug", default="", help="Short name; made from the name.")

    def handle(self, *args: Any, **options: Any) -> None:
        name = options["name"].strip()
        if not name:
            raise CommandError("Give the merchant a name.")
        slug = options["slug"] or slugify(name)
        if not slug or slug != slugify(slug):
            raise CommandError("Give a --slug of small letters, digits and dashes.")
        try:
            with transaction.atomic():
                merchant = Merchant.objects.create(name=name, slug=slug)
                audit.record("merchant.created", actor="system", merchant=merchant, obj=merchant)
        except IntegrityError as err:
            raise CommandError(f"There is a merchant “{slug}” already.") from err
        self.stdout.write(f"Merchant {merchant.name} ({merchant.slug}) made.")
        self.stdout.write(
            f"Next: manage.py issue_token --merchant {merchant.slug} --name NAME --scopes all"
        )
