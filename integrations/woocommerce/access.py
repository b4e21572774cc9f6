"""The way into a store: where its REST API is, how its keys are accepted, and what it says if not.

The ways in which keys are shown are tried one after the other (``ways``). What worked is remembered
in ``learned``, which ends in the store's features.
"""

from __future__ import annotations

import contextlib
import re
from collections.abc import Iterator, Mapping
from typing import Any
from urllib.parse import urlsplit

from integrations.errors import (
    AuthenticationFailed,
    ContractBroken,
    MerchantMustAct,
    Misconfigured,
    NotFound,
    OutcomeUnknown,
    PermissionMissing,
    PlatformError,
    Unavailable,
)
from integrations.kit.http import Answer
from integrations.platform import Connection
from integrations.woocommerce import refusals
from integrations.woocommerce.bare import bare
from integrations.woocommerce.ways import ways_in

API = "wc/v3"
PRETTY = "wp-json"
# Sites with plain permalinks have no paths: the route travels as a parameter.
PLAIN = "?rest_route="
READS = frozenset({"GET", "HEAD", "OPTIONS"})

# Answers that say nothing about the thing that was asked for: the whole API, or this part, is gone.
NO_ROUTE = "rest_no_route"
_NOWHERE = (NO_ROUTE, "html_answer")

_API_LINK = re.compile(r'<([^>]+)>;\s*rel="https://api\.w\.org/"')
_NOT_A_STORE = (
    "There is no WordPress REST API at this address. Enter the address of the store's front page; "
    "if it is that, a plugin may have switched the API off."
)
_NO_WOOCOMMERCE = (
    "WordPress answers at this address, but WooCommerce does not. Ask the store's operator whether "
    "the plugin is active and up to date."
)
_ROUTE_GONE = (
    "The store's API does not have this part at the moment: WooCommerce, or the plugin it belongs "
    "to, may be switched off, or the site's permalinks were changed."
)
_A_PAGE = (
    "The store answered with a web page instead of data: maintenance, a firewall or a plugin's "
    "error page. It is asked again later."
)
_PLAIN_LINKS = (
    "This site uses plain permalinks, with which WooCommerce before 11.1 does not look for keys: "
    "choose another form in Settings → Permalinks."
)


class Access:
    """Calls to the routes of one site. ``base`` is the API's path below the site, or ``PLAIN``."""

    def __init__(self, connection: Connection) -> None:
        self.http = connection.http
        self.http.explain = refusals.explain
        self.learned: dict[str, Any] = {}
        self.base = str(connection.options.get("rest_base") or PRETTY)
        self._base_url = connection.base_url
        self._has_looked = False
        self._ways = ways_in(connection)
        remembered = str(connection.options.get("auth") or "")
        self._way = remembered if remembered in self._ways else next(iter(self._ways))

    # WordPress REST API handbook, "Discovery":
    # https://developer.wordpress.org/rest-api/using-the-rest-api/discovery/
    def discover(self) -> dict[str, Any]:
        """Name, time zone and namespaces of the site, without a key; finds out where its API is.

        Raises Misconfigured for a site without WooCommerce, NotFound for one without WordPress.
        """
        self._has_looked = True
        refused: PlatformError | None = None
        for base in self._candidates():
            try:
                found = self._index(base)
            except (AuthenticationFailed, PermissionMissing) as err:
                # A plugin closes the index to strangers; with the key the store's own part answers.
                refused = err
                continue
            except (NotFound, ContractBroken):
                continue
            if API not in found["namespaces"]:
                raise Misconfigured(_NO_WOOCOMMERCE, code="not_a_store")
            self._keep_base(base)
            return found
        if refused is not None:
            return {"namespaces": []}
        raise NotFound(_NOT_A_STORE, code="not_a_store")

    def call(
        self,
        method: str,
        route: str,
        params: Mapping[str, Any] | None = None,
        **options: Any,
    ) -> Answer:
        """Call a route (``wc/v3/orders``) with the store's keys. Raises any PlatformError.

        A route that is not there is Unavailable with the code ``NO_ROUTE``, never NotFound: a
        plugin that is switched off for an hour must not look like deleted orders. A web page in
        its place is the sign of an API that moved; it is looked for once.
        """
        try:
            answer = bare(self._in_some_way(method, route, params or {}, **options))
            if not answer.is_html:
                return answer
            if not self._has_moved():
                raise _no_data(is_read=method in READS or options.get("repeatable") is True)
        except NotFound as err:
            if err.code not in _NOWHERE:
                raise
            if err.code == NO_ROUTE or not self._has_moved():
                raise Unavailable(_ROUTE_GONE, code=NO_ROUTE, status=err.status) from err
        return self.call(method, route, params, **options)

    def _has_moved(self) -> bool:
        """Whether the API was found at another place than the one that was asked."""
        before, looked = self.base, self._has_looked
        self._has_looked = True
        if not looked:
            with contextlib.suppress(NotFound, Misconfigured, Unavailable):
                self.discover()
        return self.base != before

    def _in_some_way(
        self, method: str, route: str, params: Mapping[str, Any], **options: Any
    ) -> Answer:
        path, query = _address(self.base, route, params)
        refused: AuthenticationFailed | None = None
        for way in [self._way, *(way for way in self._ways if way != self._way)]:
            try:
                answer = self.http.request(
                    method, path, params=query, auth=self._ways[way], **options
                )
            except AuthenticationFailed as err:
                if refused is None or refusals.SURELY_WRONG.search(err.message):
                    refused = err
                if err.code not in refusals.KEY_NOT_SEEN or refusals.SURELY_WRONG.search(
                    err.message
                ):
                    break
                continue
            self._keep_way(way)
            return answer
        assert refused is not None  # noqa: S101 - the loop answered or was refused
        if method not in READS and self._may_read():
            raise refusals.read_only(refused) from refused
        if self.base == PLAIN:
            raise AuthenticationFailed(
                f"{refused.message} {_PLAIN_LINKS}", code=refused.code, status=refused.status
            ) from refused
        raise refused

    def _may_read(self) -> bool:
        try:
            self.call("GET", f"{API}/orders", {"per_page": 1, "_fields": "id"})
        except PlatformError:
            return False
        return True

    def _candidates(self) -> Iterator[str]:
        """Where the API may be: where it was, the usual path, where the front page says, the query
        form. The next is only looked for when the one before has failed.
        """
        tried = {self.base, PRETTY}
        yield self.base
        if self.base != PRETTY:
            yield PRETTY
        announced = self._announced()
        if announced and announced not in tried:
            yield announced
        if PLAIN not in (*tried, announced):
            yield PLAIN

    def _announced(self) -> str:
        """The path that the front page names in its Link header: plugins rename ``wp-json``."""
        try:
            front = self.http.get("/", auth=None)
        except (NotFound, ContractBroken, MerchantMustAct, Misconfigured):
            # Shops in several languages redirect their front page (/ → /en/).
            return ""
        link = _API_LINK.search(front.headers.get("Link", ""))
        return self._below(link.group(1)) if link else ""

    def _below(self, href: str) -> str:
        """An announced address as a path below ours, "" when it belongs to another site."""
        own, told = urlsplit(self._base_url), urlsplit(href)
        if told.hostname != own.hostname:
            return ""
        if "rest_route=" in told.query:
            return PLAIN
        path, root = f"{told.path.strip('/')}/", f"{own.path.strip('/')}/".lstrip("/")
        return path.removeprefix(root).strip("/") if path.startswith(root) else ""

    def _index(self, base: str) -> dict[str, Any]:
        """The site's own index at ``base``. Raises NotFound when something else is there."""
        fields = "name,url,home,gmt_offset,timezone_string,namespaces"
        path, query = _address(base, "", {"_fields": fields})
        found = bare(self.http.get(path, params=query, auth=None)).json()
        if not isinstance(found, dict) or not isinstance(found.get("namespaces"), list):
            raise NotFound(_NOT_A_STORE, code="not_a_store")
        return found

    def _keep_base(self, base: str) -> None:
        if base != self.base:
            self.base = base
            self.learned["rest_base"] = base

    def _keep_way(self, way: str) -> None:
        if way != self._way:
            self._way = way
            self.learned["auth"] = way


def _no_data(*, is_read: bool) -> Unavailable:
    """A page with status 200 where data was due: nobody knows whether a write was done."""
    if is_read:
        return Unavailable(_A_PAGE, code="html_answer")
    return OutcomeUnknown(f"{_A_PAGE} The change may have happened.", code="html_answer")


def _address(base: str, route: str, params: Mapping[str, Any]) -> tuple[str, dict[str, Any]]:
    """Path and query of a route. Lists travel with commas, which WordPress splits."""
    query = {
        name: ",".join(map(str, value)) if isinstance(value, list | tuple) else value
        for name, value in params.items()
    }
    if base == PLAIN:
        return "/", {"rest_route": f"/{route}", **query}
    return f"/{base}/{route}", query
