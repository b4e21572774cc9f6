"""The ways in which a store may accept its keys, in the order WooCommerce's core looks for them.

Over https Basic, then the keys as query parameters for hosts that strip the Authorization header,
then OAuth 1.0a for sites that do not know that they are behind https; over http OAuth alone. A site
of that kind, whose proxy keeps the scheme to itself, checks a signature against its own address
with ``http`` in front, so that is what is signed. Source: core
includes/class-wc-rest-authentication.php, authenticate and check_oauth_signature (is_ssl).
"""

from __future__ import annotations

from requests import PreparedRequest
from requests.auth import AuthBase

from integrations.kit.auth import BasicAuth, OneLeggedOAuth1, QueryAuth
from integrations.platform import Connection


def ways_in(connection: Connection) -> dict[str, AuthBase]:
    key = connection.credentials["consumer_key"]
    secret = connection.credentials["consumer_secret"]
    oauth = OneLeggedOAuth1(key, secret)
    if connection.base_url.startswith("http://"):
        # Never the secret itself over an open line.
        return {"oauth1": oauth}
    return {
        "basic": BasicAuth(key, secret),
        "query": QueryAuth(consumer_key=key, consumer_secret=secret),
        "oauth1": _SignedAsHttp(oauth),
    }


class _SignedAsHttp(AuthBase):
    """Signs the address as a site sees it that takes itself for an ``http`` one."""

    def __init__(self, oauth: OneLeggedOAuth1) -> None:
        self._oauth = oauth

    def __call__(self, request: PreparedRequest) -> PreparedRequest:
        request.url = str(request.url).replace("https://", "http://", 1)
        request = self._oauth(request)
        request.url = str(request.url).replace("http://", "https://", 1)
        return request
