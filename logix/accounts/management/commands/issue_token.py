"""Make an API token: ``manage.py issue_token --merchant SLUG --name "warehouse app" --scopes read
orders:write``.
"""

from __future__ import annotations

from argparse import ArgumentParser
from datetime import timedelta
from typing import Any

from django.core.management.base import BaseCommand, CommandError
from django.utils import timezone

from logix.accounts import tokens
from logix.accounts.models import Merchant, Scope

_MOST_DAYS = 36_500


class Command(BaseCommand):
    help = "Make an API token for a merchant. Its text is printed once and stored nowhere."

    def add_arguments(self, parser: ArgumentParser) -> None:
        parser.add_argument("--merchant", required=True, metavar="SLUG")
        parser.add_argument("--name", required=True, help="What will use it.")
        parser.add_argument(
            "--scopes",
            nargs="+",
            default=[Scope.READ.value],
            metavar="SCOPE",
            help=f"Any of {', '.join(Scope.values)}; or “all”. Default: read.",
        )
        parser.add_argument("--days", type=int, help="Ends after so many days. Default: never.")
        parser.add_argument(
            "--quiet", action="store_true", help="Print the token and nothing else."
        )

    def handle(self, *args: Any, **options: Any) -> None:
        merchant = Merchant.objects.filter(slug=options["merchant"]).first()
        if merchant is None:
            known = ", ".join(Merchant.objects.values_list("slug", flat=True)[:20]) or "none yet"
            raise CommandError(f"No merchant “{options['merchant']}”. Merchants: {known}.")
        days = options["days"]
        if days is not None and not 1 <= days <= _MOST_DAYS:
            raise CommandError(f"--days is a number from 1 to {_MOST_DAYS}.")
        name = options["name"].strip()
        if not name:
            raise CommandError("Give the token a --name: it says what will use it.")
        asked = [s for text in options["scopes"] for s in text.replace(",", " ").split()]
        try:
            token, text = tokens.issue(
                merchant,
                name=name,
                scopes=Scope.values if asked == ["all"] else asked,
                expires_at=timezone.now() + timedelta(days=days) if days else None,
            )
        except tokens.UnknownScope as err:
            raise CommandError(str(err)) from err
        if not options["quiet"]:
            self.stderr.write(
                f"Token “{token.name}” for {merchant.name}, scopes: {', '.join(token.scopes)}."
            )
            self.stderr.write("Keep it safe: it is shown only now.")
        self.stdout.write(text)
