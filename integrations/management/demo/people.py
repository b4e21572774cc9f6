"""The demonstration's merchant, login and token, made once and remembered beside its database."""

from __future__ import annotations

import json
import os
import secrets
from dataclasses import asdict, dataclass
from pathlib import Path

from django.contrib.auth import get_user_model

from logix.accounts import tokens
from logix.accounts.models import Membership, Merchant, Role, Scope

_FILE = "demo.json"


@dataclass(frozen=True, slots=True)
class Access:
    username: str
    password: str
    token: str


def prepare(data: Path) -> tuple[Merchant, Access]:
    """The demo merchant and how to get in. The file is readable by its owner only."""
    merchant, _ = Merchant.objects.get_or_create(slug="demo", defaults={"name": "Demo merchant"})
    path = data / _FILE
    if path.exists():
        return merchant, Access(**json.loads(path.read_text()))
    access = Access("demo", secrets.token_urlsafe(12), _token(merchant))
    user, _ = get_user_model().objects.get_or_create(
        username=access.username, defaults={"is_staff": True, "is_superuser": True}
    )
    user.set_password(access.password)
    user.save()
    Membership.objects.get_or_create(merchant=merchant, user=user, defaults={"role": Role.OWNER})
    with os.fdopen(os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC, 0o600), "w") as file:
        json.dump(asdict(access), file)
    return merchant, access


def _token(merchant: Merchant) -> str:
    _, text = tokens.issue(merchant, name="Demo", scopes=[s.value for s in Scope])
    return text
