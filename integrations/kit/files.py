"""The one narrow door to another host: files a platform prepared and put elsewhere, or wants to
have there.

A file is read in pieces, each a call of its own with the time-outs, caps and tries of any other.
Only hosts the card names may be called, over https and to public addresses; nothing that proves who
we are goes there. The address itself is the key to the file, so its query is in no message.
"""

from __future__ import annotations

import re
import zlib
from collections.abc import Iterable, Iterator
from contextlib import contextmanager
from typing import IO, Final

from integrations.errors import ContractBroken, Misconfigured, NotFound
from integrations.kit.answer import Answer
from integrations.kit.breaker import MemoryBreaker
from integrations.kit.http import MIB, PlatformSession
from integrations.kit.ratelimit import MemoryLimiter
from integrations.kit.ssrf import DEFAULT_PORTS, Origin
from integrations.platform import RateLimit

PIECE: Final = 4 * MIB
_SPANS = re.compile(r"bytes (\d+)-(\d+)/(\d+)")
GONE: Final = "file_gone"
_WHOLE, _PART, _BEYOND = 200, 206, 416
# Storage answers 400 and 403 to an address that has expired, 404 and 410 to a file that is gone.
_NOT_THERE = frozenset({400, 401, 403, 404, 410})
# Storage counts no calls of one reader; the breaker of the store is not to hear of it either.
_FREE = {"default": RateLimit(rate=1000, burst=1000)}
# A large file on a slow line.
_UPLOAD_S = 240.0


class RemoteFile:
    """``size`` in bytes, None until the first piece came; ``content_type`` as told with it."""

    def __init__(self, http: PlatformSession, url: str) -> None:
        self._http, self._url = http, url
        self.size: int | None = None
        self.content_type = ""

    def piece(self, start: int) -> bytes:
        """Bytes from ``start`` on, as many as one call brings; none at the end. Raises NotFound
        where the file is gone or its address has expired, ContractBroken, Unavailable.

        ``Range`` counts the bytes that are sent, so they must not be compressed.
        """
        wanted = f"bytes={start}-{start + PIECE - 1}"
        answer = self._http.get(
            self._url,
            headers={"Range": wanted, "Accept": "*/*", "Accept-Encoding": "identity"},
            ok={_WHOLE, _PART, _BEYOND, *_NOT_THERE},
        )
        if answer.status in _NOT_THERE:
            raise NotFound(
                f"The file at {self._http.origin.host} is gone, or its address has expired.",
                code=GONE,
                status=answer.status,
            )
        if answer.status == _BEYOND:
            return b""
        self.content_type = answer.headers.get("Content-Type", "")
        if answer.status == _WHOLE:
            self.size = len(answer.body)
            return answer.body[start:]
        return self._part(answer, start)

    def _part(self, answer: Answer, start: int) -> bytes:
        told = _SPANS.fullmatch(answer.headers.get("Content-Range", "").strip())
        if told is None or int(told[1]) != start or int(told[2]) - start + 1 != len(answer.body):
            raise ContractBroken(
                f"{self._http.origin.host} sent another part of the file than was asked for.",
                code="wrong_piece",
            )
        self.size = int(told[3])
        return answer.body

    def pieces(self) -> Iterator[bytes]:
        """All of it. Raises what ``piece`` does."""
        place = 0
        while piece := self.piece(place):
            yield piece
            place += len(piece)
            if self.size is not None and place >= self.size:
                return
        if place:
            raise _cut_short()


def unzipped(pieces: Iterable[bytes]) -> Iterator[bytes]:
    """What was compressed as gzip, never more than a MiB of it at once. Raises ContractBroken."""
    inflate = zlib.decompressobj(16 + zlib.MAX_WBITS)
    try:
        for piece in pieces:
            rest = piece
            while rest:
                if inflate.eof:
                    inflate = zlib.decompressobj(16 + zlib.MAX_WBITS)
                if plain := inflate.decompress(rest, MIB):
                    yield plain
                rest = inflate.unconsumed_tail or inflate.unused_data
    except zlib.error as err:
        raise ContractBroken(
            "A file is marked as gzip and cannot be unpacked.", code="bad_encoding"
        ) from err
    if not inflate.eof:
        raise _cut_short()


def upload(http: PlatformSession, url: str, file: IO[bytes], *, kind: str, hosts: str) -> None:
    """Put ``file`` where ``url`` says, as content type ``kind``. Raises Misconfigured for a host
    that is not named, NotFound where the address has expired, Unavailable.
    """
    with _elsewhere(http, url, hosts) as there:
        answer = there.put(
            url,
            data=file,
            headers={"Content-Type": kind, "Accept": "*/*"},
            ok={*range(200, 300), *_NOT_THERE},
            total_s=_UPLOAD_S,
        )
        if answer.status in _NOT_THERE:
            raise NotFound(
                f"{there.origin.host} does not take the file: its address has expired.",
                code=GONE,
                status=answer.status,
            )


@contextmanager
def opened(http: PlatformSession, url: str, *, hosts: str) -> Iterator[RemoteFile]:
    """The file at ``url``, on a host that fully matches ``hosts`` or at the store itself. Raises
    Misconfigured where it lies anywhere else.
    """
    with _elsewhere(http, url, hosts) as there:
        yield RemoteFile(there, url)


def _elsewhere(http: PlatformSession, url: str, hosts: str) -> PlatformSession:
    origin = http.guard.check_url(url)
    if origin != http.origin and not _is_named(origin, hosts):
        raise Misconfigured(
            f"The store keeps its file at {origin.host}, where Logix does not fetch any.",
            code="foreign_file",
        )
    own = {"limiter": MemoryLimiter(_FREE), "breaker": MemoryBreaker(), "max_body": 2 * PIECE}
    return http.elsewhere(str(origin), **own)


def _cut_short() -> ContractBroken:
    words = "A file of the store is cut short: it ends before its end."
    return ContractBroken(words, code="cut_short")


def _is_named(origin: Origin, hosts: str) -> bool:
    return (
        origin.scheme == "https"
        and origin.port == DEFAULT_PORTS["https"]
        and re.fullmatch(hosts, origin.host) is not None
    )
