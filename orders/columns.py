"""Columns that several models of orders have in common."""

from __future__ import annotations

from collections.abc import Iterable
from enum import StrEnum

from django.db import models


def money(**options: object) -> models.DecimalField:
    return models.DecimalField(max_digits=20, decimal_places=6, default=0, **options)  # type: ignore[arg-type]


def choices(words: Iterable[StrEnum]) -> list[tuple[str, str]]:
    return [(w.value, w.value.replace("_", " ")) for w in words]
