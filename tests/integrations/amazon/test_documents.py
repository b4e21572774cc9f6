"""Files of Amazon's: packed, in foreign encodings, cut short, whose address is over."""

from __future__ import annotations

import gzip
import random
from collections.abc import Iterator

import pytest

from integrations.amazon import documents, reports
from integrations.amazon.documents import JAPANESE, UTF_8, Address, Document
from integrations.amazon.reports import Report
from integrations.amazon.service import AmazonIntegration
from integrations.errors import ContractBroken, Misconfigured, Unavailable
from integrations.kit import files as kit_files
from integrations.sandbox.amazon import files
from tests.integrations.amazon.world import AmazonWorld
from tests.integrations.sandbox.amazon.client import DE, JP

TEXT = "sku\tname\tnote\r\nA-1\tWürfel\t\r\n\r\nB-2\tKäse 5 €\tlast"
# Python knows them; no text in lines and columns is in them.
NO_CHARSETS = ("undefined", "hex", "idna", "punycode", "unicode_escape", "utf-7", "utf-16", "cp037")
JAPANS = "sku\t名前\r\nA-1\t傘～\r\n"


def keep(world: AmazonWorld, kind: str, content: bytes, *, is_gzip: bool = False) -> Report:
    """A report that is done, with this file."""
    with world.shop.store.working():
        file = files.new_file(world.shop.store, kind, content, is_gzip=is_gzip)
    return Report("1", "ANY", reports.DONE, "2026-11-01T00:00:00Z", file.id, [DE])


def rows(adapter: AmazonIntegration, report: Report) -> list[dict[str, str]]:
    return list(reports.rows(adapter.client, report))


@pytest.mark.parametrize("is_gzip", [True, False])
@pytest.mark.parametrize(
    ("kind", "code"),
    [
        ("text/plain; charset=UTF-8", "utf-8-sig"),
        ("text/tab-separated-values;charset=Cp1252", "cp1252"),
        ('text/plain; charset="ISO-8859-15"', "iso8859-15"),
        ("text/plain; charset=ISO-8859-1", "cp1252"),
        ("text/plain; charset=nobody-knows", "utf-8"),
        *((f"text/plain; charset={name}", "utf-8") for name in NO_CHARSETS),
        ("text/plain", "utf-8"),
        # It says what it is not.
        ("text/plain; charset=utf-8", "cp1252"),
    ],
)
def test_rows_are_read_in_whatever_encoding(
    world: AmazonWorld, adapter: AmazonIntegration, kind: str, code: str, *, is_gzip: bool
) -> None:
    report = keep(world, kind, TEXT.encode(code), is_gzip=is_gzip)

    assert rows(adapter, report) == [
        {"sku": "A-1", "name": "Würfel", "note": ""},
        {"sku": "B-2", "name": "Käse 5 €", "note": "last"},
    ]


def test_japan_writes_shift_jis_also_where_nobody_says_so(
    world: AmazonWorld, adapter: AmazonIntegration
) -> None:
    said = keep(world, "text/plain; charset=Shift_JIS", JAPANS.encode("cp932"), is_gzip=True)
    unsaid = keep(world, "text/plain", JAPANS.encode("cp932"))
    unsaid.marketplace_ids = [JP]

    assert rows(adapter, said) == rows(adapter, unsaid) == [{"sku": "A-1", "名前": "傘～"}]
    assert (JAPANESE, UTF_8) == ("cp932", "utf-8")


def test_a_file_goes_on_where_it_stood_when_its_address_is_over(
    world: AmazonWorld, adapter: AmazonIntegration, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Five minutes are short for a large file; half of it was unpacked already."""
    monkeypatch.setattr(kit_files, "PIECE", 1_000)
    chance = random.Random(7)
    told = [f"{number}\t{chance.randbytes(20).hex()}" for number in range(400)]
    report = keep(world, "text/plain", "\n".join(["a\tb", *told]).encode(), is_gzip=True)

    found: list[dict[str, str]] = []
    for row in reports.rows(adapter.client, report):
        found.append(row)
        if len(found) in (100, 200):
            world.shop.store.clock.ahead_s += files.URL_S + 1

    assert [f"{row['a']}\t{row['b']}" for row in found] == told
    assert world.calls("getReportDocument") == 3
    gone = [x for x in world.shop.requests if x.path.startswith(files.ROOT) and x.status == 403]
    assert len(gone) == 2


def test_a_file_that_is_packed_into_little_is_never_held_as_a_whole(
    world: AmazonWorld, adapter: AmazonIntegration
) -> None:
    content = b"x" * (8 * 1024 * 1024)
    with world.shop.store.working():
        file = files.new_file(world.shop.store, "text/plain", content, is_gzip=True)
        address = files.url(world.shop.store, file, "GET")

    pieces = Document(adapter.client.http, lambda: Address(address, is_gzip=True)).pieces()

    sizes = [len(piece) for piece in pieces]
    assert (sum(sizes), max(sizes)) == (len(content), 1024 * 1024)


def test_two_gzips_behind_each_other_are_one_file(
    world: AmazonWorld, adapter: AmazonIntegration
) -> None:
    with world.shop.store.working():
        file = files.new_file(world.shop.store, "text/plain", b"")
        file.content = gzip.compress(b"a\tb\n1\t2\n") + gzip.compress(b"3\t4\n")
        file.is_gzip = True
    report = Report("1", "ANY", reports.DONE, "2026-11-01T00:00:00Z", file.id)

    assert [list(row.values()) for row in rows(adapter, report)] == [["1", "2"], ["3", "4"]]


def test_what_is_not_as_promised_is_said(world: AmazonWorld, adapter: AmazonIntegration) -> None:
    def of(content: bytes) -> Report:
        report = keep(world, "text/plain", b"")
        with world.shop.store.working():
            file = world.shop.store.state.files[report.report_document_id or ""]
            file.content, file.is_gzip = content, True
        return report

    with pytest.raises(ContractBroken, match="cannot be unpacked"):
        rows(adapter, of(b"no gzip at all"))
    with pytest.raises(ContractBroken, match="ends before its end"):
        rows(adapter, of(gzip.compress(TEXT.encode())[:-9]))
    with pytest.raises(ContractBroken, match="more columns"):
        rows(adapter, keep(world, "text/plain", b"a\tb\n1\t2\t3\n"))
    with pytest.raises(ContractBroken, match="no document"):
        rows(adapter, Report("1", "ANY", reports.DONE, "2026-11-01T00:00:00Z"))


def test_no_file_is_fetched_from_a_host_that_amazon_does_not_use(
    world: AmazonWorld, adapter: AmazonIntegration
) -> None:
    def read(url: str) -> Iterator[bytes]:
        return Document(adapter.client.http, lambda: Address(url)).pieces()

    for host in ("files.example.com", "tortuga-prod-eu.s3.example.com", "s3.amazonaws.com"):
        with pytest.raises(Misconfigured, match="does not fetch any"):
            list(read(f"https://{host}/x"))
    with pytest.raises(Unavailable, match="expired"):
        list(read(f"{world.url}{files.ROOT}nothing?X-Amz-Signature=x"))
    tokens = [name for row in world.shop.asked for name in row.headers if "token" in name.lower()]
    assert tokens  # the API has it


@pytest.mark.parametrize("left", [0, 500, 1_000])
def test_a_file_that_is_shorter_than_it_was_is_not_taken_for_whole(
    world: AmazonWorld, adapter: AmazonIntegration, monkeypatch: pytest.MonkeyPatch, left: int
) -> None:
    monkeypatch.setattr(kit_files, "PIECE", 1_000)
    report = keep(world, "text/plain", b"a\tb\n" + b"1\t2\n" * 1_000)
    found = reports.rows(adapter.client, report)
    next(found)

    with world.shop.store.working():
        file = world.shop.store.state.files[report.report_document_id or ""]
        file.content = (file.content or b"")[:left]

    with pytest.raises(ContractBroken, match="ends before its end"):
        list(found)


def test_a_file_that_unpacks_without_end_is_left(
    world: AmazonWorld, adapter: AmazonIntegration, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(documents, "LARGEST", 3 * 1024 * 1024)
    fits = keep(world, "text/plain", b"\n" * documents.LARGEST, is_gzip=True)
    bomb = keep(world, "text/plain", b"\n" * 64 * 1024 * 1024, is_gzip=True)

    assert rows(adapter, fits) == []
    with pytest.raises(ContractBroken) as caught:
        rows(adapter, bomb)

    assert caught.value.code == "too_large"
