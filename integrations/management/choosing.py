"""The store that a person names on the command line."""

from __future__ import annotations

import contextlib
from uuid import UUID

from django.core.management.base import CommandError
from django.db.models import Q

from integrations.models import Store

_MOST_LISTED = 20


def store_named(word: str) -> Store:
    """By its id, its name or its address. Raises CommandError."""
    address = word.rstrip("/")
    wanted = Q(name=word) | Q(base_url__icontains=address)
    with contextlib.suppress(ValueError):  # not an id: a name or an address, then
        wanted |= Q(pk=UUID(word))
    found = list(Store.objects.filter(wanted).order_by("name", "base_url")[:_MOST_LISTED])
    # An address may begin as another one does.
    exact = [store for store in found if store.base_url == address]
    if len(found) == 1 or len(exact) == 1:
        return (exact or found)[0]
    if found:
        raise CommandError(
            f"“{word}” is more than one store. Name it by its id or its address:\n"
            + "\n".join(f"  {x.pk}  {x.base_url}  {x.name}" for x in found)
        )
    known = ", ".join(Store.objects.values_list("name", flat=True)[:20]) or "none"
    raise CommandError(f"No store matches “{word}”. Connected stores: {known}.")
