"""The owner of a simulated shop at its page of consent."""

from __future__ import annotations

from contextlib import closing
from http.client import HTTPConnection
from urllib.parse import parse_qsl, urlencode, urlsplit


def agree(authorize_url: str) -> dict[str, str]:
    """They approve: the parameters that the browser brings back to the app."""
    asked = urlsplit(authorize_url)
    form = urlencode({**dict(parse_qsl(asked.query)), "answer": "approve"})
    with closing(HTTPConnection(asked.netloc, timeout=10)) as line:
        kind = {"Content-Type": "application/x-www-form-urlencoded"}
        line.request("POST", asked.path, form, kind)
        answer = line.getresponse()
        assert answer.status == 302, answer.read()
        back = urlsplit(answer.headers["Location"])
    return dict(parse_qsl(back.query))
