"""DEPENDENCIES.md says what is installed, all of it, and why."""

from __future__ import annotations

import importlib.util
import re
import tomllib
from importlib import metadata
from types import ModuleType

import pytest

from tests.conftest import ROOT

PAGE = ROOT / "DEPENDENCIES.md"
LOCKS = ("runtime", "amazon", "dev", "e2e", "sqs", "uv")
PROJECT = tomllib.loads((ROOT / "pyproject.toml").read_text())


@pytest.fixture(scope="module")
def document() -> ModuleType:
    spec = importlib.util.spec_from_file_location("document", ROOT / "requirements" / "document.py")
    assert spec is not None
    assert spec.loader is not None
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def section(title: str) -> str:
    return PAGE.read_text().partition(f"## {title}\n")[2].partition("\n## ")[0]


def asked_for(requirements: list[str]) -> set[str]:
    """The names of ``["Django>=5.2", "psycopg[binary]>=3.2"]`` as locks spell them."""
    return {re.split(r"[\[<>=~;]", text)[0].lower().replace("_", "-") for text in requirements}


def test_the_page_is_in_step_with_the_locks(document: ModuleType) -> None:
    text = PAGE.read_text()

    assert document.render(text) == text, "Run `make lock`, or requirements/document.py alone."


def test_every_runtime_dependency_has_its_reason(document: ModuleType) -> None:
    told = document.rows(section("Runtime"))

    assert set(told) == asked_for(PROJECT["project"]["dependencies"])
    for name, (_, rest) in told.items():
        licence, reason = rest.rstrip(" |").split(" | ")
        assert licence != document.UNKNOWN, name
        assert len(reason) > 20, name


def test_every_development_dependency_is_named(document: ModuleType) -> None:
    groups = PROJECT["dependency-groups"]

    assert set(document.rows(section("Development"))) == asked_for(
        [*groups["dev"], *groups["e2e"], *groups["sqs"], "uv"]
    )


def test_every_extra_has_its_reason(document: ModuleType) -> None:
    extras = PROJECT["project"]["optional-dependencies"]

    asked = {name for requirements in extras.values() for name in asked_for(requirements)}
    assert set(document.rows(section("Extras"))) == asked


def test_nothing_is_installed_that_the_page_does_not_know(document: ModuleType) -> None:
    told = document.rows(PAGE.read_text())

    for lock in LOCKS:
        for name, version in document.locked(lock).items():
            assert told[name][0] == version, f"{name} of {lock}.txt"
    assert document.UNKNOWN not in {rest.split(" | ")[0] for _, rest in told.values()}


def test_licences_are_those_the_packages_declare(document: ModuleType) -> None:
    """Where a package declares an SPDX expression; older ones only say so in prose."""
    compared = 0
    for name, (_, rest) in document.rows(PAGE.read_text()).items():
        try:
            declared = metadata.metadata(name).get("License-Expression")
        except metadata.PackageNotFoundError:
            continue
        if declared:
            assert rest.split(" | ")[0] == declared, name
            compared += 1
    assert compared > 30


def test_the_locks_are_pinned_by_hash_and_name_no_host() -> None:
    for lock in LOCKS:
        text = (ROOT / "requirements" / f"{lock}.txt").read_text()
        pins = re.split(r"^(?=[\w.-]+==)", text, flags=re.M)
        assert all("--hash=sha256:" in pin for pin in pins if "==" in pin), lock
        assert "://" not in text, lock


def test_development_installs_the_very_versions_of_the_product(document: ModuleType) -> None:
    runtime, amazon, dev, e2e, sqs = (
        document.locked(name) for name in ("runtime", "amazon", "dev", "e2e", "sqs")
    )

    assert runtime.items() <= dev.items() <= e2e.items()
    assert runtime.items() <= amazon.items() <= sqs.items()
    assert dev.items() <= sqs.items()
