"""Files that reports and feeds consist of. Like Amazon's they lie in a store of their own, reached
for five minutes through a signed address, without a token.

Source: the Reports and Feeds models ("This URL expires after 5 minutes") and the XML errors of
docs.aws.amazon.com/AmazonS3: a signed address takes no other way of signing in beside it, no
``x-amz-`` header that was not signed, and an upload of the content type it was made for.
"""

from __future__ import annotations

import gzip
import re
import uuid
import zlib
from typing import TYPE_CHECKING

from msgspec import Struct

from integrations.sandbox.amazon import tokens
from integrations.sandbox.amazon.wire import Answer, Request

if TYPE_CHECKING:
    from integrations.sandbox.amazon.store import SellerStore

ROOT = "/tortuga-prod/"
URL_S = 300.0
_SPAN = re.compile(r"bytes=(\d+)-(\d*)")


class File(Struct):
    """``content`` is as stored; ``is_gzip`` says how. None: nothing was sent up yet."""

    id: str
    made_at: int
    content_type: str
    content: bytes | None = None
    is_gzip: bool = False

    def plain(self) -> bytes:
        """Raises ValueError for what only claims to be compressed."""
        content = self.content or b""
        try:
            return gzip.decompress(content) if self.is_gzip else content
        except (OSError, EOFError, zlib.error) as err:
            raise ValueError(f"The file is no gzip: {err}.") from err


def new_file(
    store: SellerStore, content_type: str, content: bytes | None = None, *, is_gzip: bool = False
) -> File:
    stored = gzip.compress(content) if content is not None and is_gzip else content
    file = File(
        f"amzn1.spdoc.1.4.{store.options.region}.{uuid.uuid4()}",
        store.clock.now(),
        content_type,
        stored,
        is_gzip,
    )
    store.state.files[file.id] = file
    return file


def url(store: SellerStore, file: File, method: str, *, tells_encoding: bool = False) -> str:
    """Good for one method, for five minutes of the account's clock."""
    until = store.clock.exact() + URL_S
    token = tokens.sealed("file", until, id=file.id, method=method, encoding=tells_encoding)
    safe = token.replace("+", "%2B").replace("/", "%2F").replace("=", "%3D")
    return f"{store.url}{ROOT}{file.id}?X-Amz-Signature={safe}&X-Amz-Expires={URL_S:.0f}"


def answer(store: SellerStore, request: Request) -> Answer:
    name = request.path.removeprefix(ROOT)
    with store.working():
        file = store.state.files.get(name)
        place = tokens.opened(request.query.get("X-Amz-Signature", ""), "file", store.clock.exact())
        if file is None or place is None or place["id"] != name:
            return _refused(403, "AccessDenied", "Request has expired")
        if "authorization" in request.headers:
            return _refused(400, "InvalidArgument", "Only one auth mechanism allowed")
        if any(header.startswith("x-amz-") for header in request.headers):
            return _refused(403, "AccessDenied", "There were headers present which were not signed")
        if place["method"] != request.method:
            return _refused(403, "SignatureDoesNotMatch", "The signature does not match")
        if request.method == "PUT":
            return _stored(file, request)
        headers = [("Content-Type", file.content_type)]
        if "range" in request.headers:
            return _part(file, request.headers["range"], headers)
        if file.is_gzip and place["encoding"]:
            headers.append(("Content-Encoding", "gzip"))
        return Answer(200, headers=headers, body=file.content or b"")


def _part(file: File, wanted: str, headers: list[tuple[str, str]]) -> Answer:
    """One span of bytes; any other wish is answered with the whole file."""
    content, asked = file.content or b"", _SPAN.fullmatch(wanted)
    if asked is None:
        return Answer(200, headers=headers, body=content)
    start, last = int(asked[1]), min(int(asked[2] or len(content)), len(content) - 1)
    if start > last:
        return _refused(416, "InvalidRange", "The requested range is not satisfiable")
    headers.append(("Content-Range", f"bytes {start}-{last}/{len(content)}"))
    return Answer(206, headers=headers, body=content[start : last + 1])


def _stored(file: File, request: Request) -> Answer:
    if request.headers.get("content-type", "") != file.content_type:
        return _refused(403, "SignatureDoesNotMatch", "The signature does not match")
    file.content = request.body
    file.is_gzip = request.body[:2] == b"\x1f\x8b"
    return Answer(200, headers=[], body=b"")


def _refused(status: int, code: str, message: str) -> Answer:
    body = f"<Error><Code>{code}</Code><Message>{message}</Message></Error>"
    return Answer(status, headers=[("Content-Type", "application/xml")], body=body.encode())
