"""JSON out of what WordPress sites print around it: byte order marks, warnings of PHP in front,
comments of caching plugins behind.

PHP that shows its errors to visitors writes them into the answer before the API does, and often has
told the browser "text/html" by then (https://www.php.net/manual/en/errorfunc.configuration.php,
display_errors). What the store meant to say is whole; only a real web page is none.
"""

from __future__ import annotations

import json
import re
from dataclasses import replace
from itertools import islice

import msgspec
from requests.structures import CaseInsensitiveDict

from integrations.kit.answer import Answer

_BLANK = b"\xef\xbb\xbf \t\r\n"
_CLOSES = {b"[": b"]", b"{": b"}"}
# What may be the beginning of a list or an object of the API; ``{}`` and ``[]`` among them.
_OPENS = re.compile(rb"[\[{](?=\s*[\"{\[\]}])")
_PAGE = re.compile(rb"<(?:!doctype|html|head|body|script)\b", re.IGNORECASE)
# Numbers are left as they are written: some cost minutes to compute.
_DECODER = json.JSONDecoder(parse_int=str, parse_float=str, strict=False)
_FRONT, _TRIES = 64_000, 50


def bare(answer: Answer) -> Answer:
    """The answer without what surrounds its JSON; the very same one where nothing does, or where
    nothing in it can be read.
    """
    body = answer.body.strip(_BLANK)
    if body[:1] in _CLOSES and body[-1:] == _CLOSES[body[:1]]:
        return answer if body is answer.body else replace(answer, body=body)
    found = _leading(body) if body[:1] in _CLOSES else _ending(body)
    if found is None:
        return answer
    headers = CaseInsensitiveDict(answer.headers)
    headers["Content-Type"] = "application/json"
    return replace(answer, body=found, headers=headers)


def _leading(body: bytes) -> bytes | None:
    """The value with which ``body`` begins. Bytes stand for characters, whatever their encoding."""
    try:
        _, end = _DECODER.raw_decode(body.decode("latin-1"))
    except (ValueError, RecursionError):
        return None
    return body[:end]


def _ending(body: bytes) -> bytes | None:
    """The value that ends where the last bracket of ``body`` does."""
    end = max(body.rfind(b"]"), body.rfind(b"}")) + 1
    if _PAGE.search(body[:_FRONT]):
        return None
    for opening in islice(_OPENS.finditer(body, 0, min(end, _FRONT)), _TRIES):
        found = body[opening.start() : end]
        if _CLOSES[found[:1]] != found[-1:]:
            continue
        try:
            msgspec.json.decode(found, type=msgspec.Raw)
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            continue
        return found
    return None
