"""Reading an answer's body: never more than the cap, before and after decompression, and never a
part as the whole.
"""

from __future__ import annotations

import zlib
from typing import Protocol

from urllib3.exceptions import IncompleteRead

from integrations.errors import ContractBroken

_CHUNK = 64 * 1024


class Raw(Protocol):
    """What is needed of urllib3's response: bytes as they came, still compressed."""

    def read(self, amt: int, decode_content: bool) -> bytes: ...


def read_body(raw: Raw, encoding: str, *, cap: int, cut: bool = False) -> tuple[bytes, int]:
    """The decompressed body and the bytes received. ``cut`` ends quietly at ``cap``, as error pages
    may.

    Raises ContractBroken beyond ``cap`` or for an encoding other than gzip, urllib3's errors when
    it breaks off.
    """
    kind = encoding.strip().lower()
    if kind not in ("", "identity", "gzip", "x-gzip"):
        if cut:
            return b"", 0
        raise ContractBroken(
            f"The store compressed its answer as {kind[:20]!r}, which was not asked for.",
            code="bad_encoding",
        )
    inflate = _Gzip() if kind in ("gzip", "x-gzip") else None
    parts: list[bytes] = []
    size = received = 0
    while chunk := raw.read(_CHUNK, decode_content=False):
        received += len(chunk)
        plain = inflate.feed(chunk, cap - size + 1) if inflate else chunk
        size += len(plain)
        parts.append(plain)
        if size > cap or received > cap:
            if cut:
                return b"".join(parts)[:cap], received
            raise ContractBroken(
                f"The store's answer is larger than {cap // (1024 * 1024)} MiB.", code="too_large"
            )
    if inflate and received and not inflate.is_complete and not cut:
        raise IncompleteRead(received, 0)
    return b"".join(parts), received


class _Gzip:
    """Gzip that never makes more bytes than it is asked for; several members in a row are one body
    (RFC 1952).
    """

    def __init__(self) -> None:
        self._member = zlib.decompressobj(16 + zlib.MAX_WBITS)

    @property
    def is_complete(self) -> bool:
        return self._member.eof

    def feed(self, chunk: bytes, room: int) -> bytes:
        out: list[bytes] = []
        try:
            while chunk and room > 0:
                if self._member.eof:
                    self._member = zlib.decompressobj(16 + zlib.MAX_WBITS)
                plain = self._member.decompress(chunk, room)
                room -= len(plain)
                out.append(plain)
                chunk = self._member.unconsumed_tail or self._member.unused_data.lstrip(b"\0")
        except zlib.error as err:
            raise ContractBroken(
                "The store's answer is marked as gzip and is not.", code="bad_encoding"
            ) from err
        return b"".join(out)
