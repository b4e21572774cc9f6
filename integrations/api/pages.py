"""The small pages a person sees when a platform sends the browser back: what came of it, or whether
to go on.
"""

from __future__ import annotations

from typing import Any
from urllib.parse import urlsplit

from django.http import HttpResponse
from django.template.loader import render_to_string
from django.urls import NoReverseMatch, reverse

from integrations.connect import Question
from integrations.models import Store

# The address of the page may hold a code: it is neither kept nor told to the page's links. Nor to
# its form: without a referrer browsers send “Origin: null” with it, which Django's own check of
# forms refuses, so ``consent`` has its own.
_HEADERS = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}


def answer(
    title: str, sentence: str, *, status: int = 200, link: str = "", words: str = "Go to Logix"
) -> HttpResponse:
    told = {"title": title, "sentence": sentence, "link": link or _stores(), "words": words}
    return _page("page", told, status)


def question(asked: Question, action: str) -> HttpResponse:
    """Whether the store is to be connected for the merchant who began it; ``action`` is where the
    answer goes.
    """
    told = {
        "title": f"Connect your {asked.card.name} store",
        "merchant": asked.attempt.merchant.name,
        "platform": asked.card.name,
        "store": urlsplit(asked.attempt.base_url).netloc,
        "may": asked.may,
        "writes": asked.writes,
        "answer": asked.answer,
        "action": action,
    }
    return _page("confirm", told, 200)


def login() -> str:
    return reverse("admin:login")


def locations(store: Store) -> str:
    return reverse("admin:integrations_store_locations", args=[store.pk])


def _page(name: str, told: dict[str, Any], status: int) -> HttpResponse:
    page = render_to_string(f"logix/connect/{name}.html", told)
    return HttpResponse(page, status=status, headers=_HEADERS)


def _stores() -> str:
    try:
        return reverse("admin:integrations_store_changelist")
    except NoReverseMatch:
        return "/"
