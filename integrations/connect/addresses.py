"""A store's address as people type it, made into the one address we keep."""

from __future__ import annotations

import re
from urllib.parse import unquote, urlsplit

from integrations import limits, registry
from integrations.errors import Misconfigured
from integrations.platform import PlatformCard

# Places inside a store that people copy from the browser. What follows them is never part of the
# store's address.
INSIDE = frozenset(
    {
        "admin",
        "cart",
        "checkout",
        "index.html",
        "index.php",
        "my-account",
        "wc-api",
        "wc-auth",
        "wp-admin",
        "wp-content",
        "wp-json",
        "wp-login.php",
    }
)
_MOST_PARENTS = 2


def store_address(card: PlatformCard, typed: str) -> str:
    """The address of a store of this platform, from what a person typed or pasted. Raises
    Misconfigured with a sentence when it is none, or may not be called.

    Simulators live where the operator opened the hub's own networks, under any name.
    """
    address = tidy(registry.adapter_class(card.slug).address(typed.strip()))
    parts = urlsplit(address)
    if not card.host_pattern or limits.guard().is_open_inside(parts.hostname or ""):
        return address
    # With its port, if it has one: no store of such a platform does.
    if not re.fullmatch(card.host_pattern, parts.netloc):
        raise Misconfigured(
            f"{parts.netloc} is not an address of {card.name}. {card.address_help}.",
            code="address_foreign",
        )
    return f"https://{parts.netloc}"


def tidy(typed: str) -> str:
    """The address with scheme, in lower case where it does not matter, without query, default port
    and noise.

    ``Shop.example/wp-admin/`` becomes ``https://shop.example``; a sub-directory stays. Raises
    Misconfigured with a sentence when the address may not be called. No DNS is asked.
    """
    text = typed.strip().strip("<>\"'“”")
    if "://" not in text:
        text = f"https://{text.lstrip('/')}"
    scheme, _, rest = text.partition("://")
    text = f"{scheme.lower()}://{rest}"
    origin = limits.guard().check_url(text)
    return f"{origin}{_path(urlsplit(text).path)}"


def candidates(base_url: str) -> tuple[str, ...]:
    """The address itself, then the ones above it: a page of the shop (``/shop/mugs``) looks like a
    sub-directory.
    """
    found = [base_url]
    scheme, _, rest = base_url.partition("://")
    while "/" in rest and len(found) <= _MOST_PARENTS:
        rest = rest.rpartition("/")[0]
        found.append(f"{scheme}://{rest}")
    return tuple(found)


def _path(path: str) -> str:
    kept = []
    for segment in path.split("/"):
        if unquote(segment).lower() in INSIDE:
            break
        if segment not in ("", "."):
            kept.append(segment)
    return "".join(f"/{segment}" for segment in kept)
