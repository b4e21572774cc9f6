"""The small page a person sees when a platform sends the browser back."""

from __future__ import annotations

from django.http import HttpResponse
from django.urls import NoReverseMatch, reverse
from django.utils.html import format_html

_PAGE = """<!doctype html>
<html lang="en"><head><meta charset="utf-8"><title>{title} · Logix</title>
<meta name="viewport" content="width=device-width, initial-scale=1"></head>
<body><main><h1>{title}</h1><p>{sentence}</p>
<p><a href="{link}">{words}</a></p></main></body></html>
"""
# The address of the page may hold a code: it is neither kept nor told to the page's links.
_HEADERS = {"Cache-Control": "no-store", "Referrer-Policy": "no-referrer"}


def answer(
    title: str, sentence: str, *, status: int = 200, link: str = "", words: str = "Go to Logix"
) -> HttpResponse:
    page = format_html(_PAGE, title=title, sentence=sentence, link=link or _stores(), words=words)
    return HttpResponse(page, status=status, headers=_HEADERS)


def login() -> str:
    return reverse("admin:login")


def _stores() -> str:
    try:
        return reverse("admin:integrations_store_changelist")
    except NoReverseMatch:
        return "/"
