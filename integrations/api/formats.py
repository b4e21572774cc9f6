"""How bodies come in and answers go out: JSON both ways, whatever the Content-Type says (``curl
-d`` says form).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import IO, Any

import msgspec
from rest_framework.exceptions import ParseError, UnsupportedMediaType
from rest_framework.negotiation import BaseContentNegotiation
from rest_framework.parsers import BaseParser
from rest_framework.renderers import BaseRenderer
from rest_framework.request import Request

from integrations.errors import ContractBroken
from integrations.kit import strictjson
from integrations.kit.text import clean_text

MAX_BODY = 2 * 1024 * 1024
_FORMS = ("application/x-www-form-urlencoded", "multipart/form-data")
_LONGEST_TEXT = 100_000


def encode(value: Any) -> bytes:
    """JSON as the API writes it: money as text, times in RFC 3339, lazy texts as text."""
    return msgspec.json.encode(value, enc_hook=str)


class JSONBody(BaseParser):
    """Takes JSON objects under any Content-Type. A body that is a form after all is answered 415,
    broken JSON 400.
    """

    media_type = "*/*"

    def parse(
        self,
        stream: IO[bytes],
        media_type: str | None = None,
        parser_context: Mapping[str, Any] | None = None,
    ) -> dict[str, Any]:
        body = stream.read()
        if not body.strip():
            return {}
        try:
            # What a store sends is mended, what a program sends is refused: Latin-1 that passed as
            # UTF-8 would be kept with holes.
            body.decode()
            # msgspec first: its message says where; what it takes is then held to the strict rules.
            msgspec.json.decode(body, type=msgspec.Raw)
            value = strictjson.parse(body)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, ContractBroken) as err:
            if _is_form(body, media_type or ""):
                raise UnsupportedMediaType(
                    media_type or "", detail="The body is a form. Send it as JSON."
                ) from err
            raise ParseError(f"The body is not valid JSON: {_why(err)}") from err
        if not isinstance(value, dict):
            raise ParseError("The body must be a JSON object.")
        return {clean_text(key, 200): _clean(item) for key, item in value.items()}


class JSONAnswer(BaseRenderer):
    media_type = "application/json"
    format = "json"
    charset = None

    def render(
        self,
        data: Any,
        accepted_media_type: str | None = None,
        renderer_context: Mapping[str, Any] | None = None,
    ) -> bytes:
        return b"" if data is None else encode(data)


class OnlyJSON(BaseContentNegotiation):
    """There is one format, so a strange Accept header is no reason to refuse."""

    def select_parser(self, request: Request, parsers: Iterable[BaseParser]) -> BaseParser:
        return next(iter(parsers))

    def select_renderer(
        self,
        request: Request,
        renderers: Iterable[BaseRenderer],
        format_suffix: str | None = None,
    ) -> tuple[BaseRenderer, str]:
        renderer = next(iter(renderers))
        return renderer, renderer.media_type


def _is_form(body: bytes, media_type: str) -> bool:
    """``curl -d`` calls everything a form: what begins as JSON does, or has no field, is none."""
    is_called_so = media_type.split(";")[0].strip().lower() in _FORMS
    return is_called_so and b"=" in body and not body.lstrip().startswith((b"{", b"[", b'"'))


def _clean(value: Any) -> Any:
    """Text that every database stores, at any depth (depth is capped by ``strictjson``)."""
    if isinstance(value, str):
        return clean_text(value, _LONGEST_TEXT)
    if isinstance(value, list):
        return [_clean(item) for item in value]
    if isinstance(value, dict):
        return {clean_text(key, 200): _clean(item) for key, item in value.items()}
    return value


def _why(err: Exception) -> str:
    if isinstance(err, msgspec.DecodeError):
        return f"{str(err).removeprefix('JSON is malformed: ')}."
    if isinstance(err, RecursionError):
        return "too deep."
    if isinstance(err, ContractBroken):
        return f"{err.code.replace('_', ' ')}."
    return "it is not UTF-8."
