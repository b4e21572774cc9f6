"""Keeps DEPENDENCIES.md in step with the locks: versions, and the table of what comes along.

``make lock`` runs it. Reasons and licences are written by hand; a licence it does not know is taken
from the installed package, and is "?" where there is none.
"""

from __future__ import annotations

import re
from importlib import metadata
from pathlib import Path

FOLDER = Path(__file__).resolve().parent
PAGE = FOLDER.parent / "DEPENDENCIES.md"
ALONG = "## What these bring along\n"
UNKNOWN = "?"

_PIN = re.compile(r"^(?P<name>[\w.-]+)==(?P<version>[^\s;\\]+)(?: ; (?P<when>[^\\\n]+))?", re.M)
_ROW = re.compile(r"^\| (?!package )(?P<name>[\w.-]+) \| (?P<version>[^|]+) \| (?P<rest>.*)$", re.M)


def locked(name: str) -> dict[str, str]:
    """Package → version of one lock; two versions where the interpreter decides."""
    found: dict[str, list[str]] = {}
    for pin in _PIN.finditer((FOLDER / f"{name}.txt").read_text()):
        found.setdefault(pin["name"], []).append(pin["version"])
    return {package: " / ".join(versions) for package, versions in found.items()}


def needed_by(name: str) -> dict[str, list[str]]:
    """Package → who asks for it, from the lock's ``# via`` remarks."""
    found: dict[str, list[str]] = {}
    package = ""
    for line in (FOLDER / f"{name}.txt").read_text().splitlines():
        if pin := _PIN.match(line):
            package = pin["name"]
        elif line.startswith(("    #   ", "    # via ")):
            who = line.removeprefix("    # via").strip("# ").split(" ")[0]
            asking = found.setdefault(package, [])
            if who not in asking:
                asking.append(who)
    return found


def rows(text: str) -> dict[str, tuple[str, str]]:
    """Package → (version, the cells behind it) of every table row."""
    return {row["name"]: (row["version"], row["rest"]) for row in _ROW.finditer(text)}


def render(text: str) -> str:
    """The page as it should be: reasons kept, versions and the last table made anew."""
    versions = locked("sqs") | locked("e2e") | locked("uv")
    by_hand, _, last = text.partition(ALONG)
    by_hand = _ROW.sub(
        lambda row: f"| {row['name']} | {versions.get(row['name'], UNKNOWN)} | {row['rest']}",
        by_hand,
    )
    licences = {name: rest.split(" | ")[0] for name, (_, rest) in rows(last).items()}
    lines = ["| package | version | licence | for |", "|---|---|---|---|"]
    for name, askers in sorted((needed_by("sqs") | needed_by("e2e")).items()):
        if name not in rows(by_hand):
            licence = licences.get(name) or licence_of(name)
            lines.append(f"| {name} | {versions[name]} | {licence} | {', '.join(askers)} |")
    return by_hand + ALONG + "\n" + "\n".join(lines) + "\n"


def licence_of(name: str) -> str:
    """What the installed package says, as an SPDX expression where it has one."""
    try:
        told = metadata.metadata(name)
    except metadata.PackageNotFoundError:
        return UNKNOWN
    text = told.get("License-Expression") or told.get("License") or UNKNOWN
    return text.splitlines()[0][:40]


if __name__ == "__main__":
    PAGE.write_text(render(PAGE.read_text()))
