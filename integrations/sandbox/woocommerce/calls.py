"""One REST call on its way through a handler, and the answers all handlers share: lists, batches,
refusals.

Source: includes/rest-api/Controllers/Version3/class-wc-rest-crud-controller.php and
class-wc-rest-controller.php.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any, TypeVar

from integrations.sandbox.woocommerce.models import ApiKey, Webhook
from integrations.sandbox.woocommerce.store import WooStore
from integrations.sandbox.woocommerce.wire import JSON_HEADERS, Answer, Refused, url_query

BATCH_LIMIT = 100
T = TypeVar("T")
_NOT_ALLOWED = {
    "index": ("view", "Sorry, you cannot list resources."),
    "show": ("view", "Sorry, you cannot view this resource."),
    "create": ("create", "Sorry, you are not allowed to create resources."),
    "update": ("edit", "Sorry, you are not allowed to edit this resource."),
    "delete": ("delete", "Sorry, you are not allowed to delete this resource."),
    "batch": ("batch", "Sorry, you are not allowed to batch manipulate this resource."),
}


def not_allowed(verb: str) -> Refused:
    """What somebody without a key hears."""
    word, message = _NOT_ALLOWED.get(verb, _NOT_ALLOWED["index"])
    return Refused(f"woocommerce_rest_cannot_{word}", message, 401)


@dataclass(slots=True)
class Call:
    """``args`` are checked and have their defaults; ``sent`` are those of the query string alone.
    ``later`` runs after the answer is made and the store let go; ``ping`` greets a webhook's
    address.
    """

    store: WooStore
    path: str
    verb: str
    args: dict[str, Any]
    sent: dict[str, Any] = field(default_factory=dict)
    key: ApiKey | None = None
    later: list[Callable[[], object]] = field(default_factory=list)
    ping: Callable[[Webhook], object] = bool

    def found(self, thing: T | None, refusal: Refused) -> T:
        """The core looks for the object first and asks for permission only where there is one."""
        if thing is None:
            raise refusal
        if self.key is None:
            raise not_allowed(self.verb)
        return thing

    @property
    def number(self) -> int:
        return int(self.args.get("id") or 0)


Handler = Callable[[Call], Answer]


def ok(document: Any, status: int = 200) -> Answer:
    return Answer(status, document, list(JSON_HEADERS))


def created(call: Call, document: dict[str, Any]) -> Answer:
    answer = ok(document, 201)
    answer.set_header("Location", call.store.rest_url(f"{call.path}/{document['id']}"))
    return answer


def window(args: Mapping[str, Any]) -> tuple[int, int]:
    """(offset, limit): an explicit offset beats the page."""
    limit = int(args["per_page"])
    if args.get("offset") is not None:
        return max(0, int(args["offset"])), limit
    return (int(args["page"]) - 1) * limit, limit


def listed(
    call: Call, documents: list[dict[str, Any]], total: int, linked: Mapping[str, Any] | None = None
) -> Answer:
    """A page with its totals and neighbours. ``linked`` are the arguments a Link shows, ``sent``
    unless told.
    """
    answer = ok(documents)
    page, limit = int(call.args["page"]), int(call.args["per_page"])
    pages = -(-total // limit)
    answer.set_header("X-WP-Total", str(total))
    answer.set_header("X-WP-TotalPages", str(pages))
    base = dict(call.sent if linked is None else linked)
    places = []
    if page > 1:
        places.append((min(page - 1, pages), "prev"))
    if pages > page:
        places.append((page + 1, "next"))
    links = []
    for number, rel in places:
        address = call.store.rest_url(call.path)
        mark = "&" if "?" in address else "?"
        links.append(f'<{address}{mark}{url_query(base | {"page": number})}>; rel="{rel}"')
    if links:
        answer.set_header("Link", ", ".join(links))
    return answer


def batch(call: Call, create: Handler, update: Handler, delete: Handler) -> Answer:
    """Each item on its own; a failure stands in its place inside the 200. Items skip the argument
    check, as in the core.
    """
    wanted = {name: call.args.get(name) or [] for name in ("create", "update", "delete")}
    if sum(len(items) for items in wanted.values()) > BATCH_LIMIT:
        raise Refused(
            "woocommerce_rest_request_entity_too_large",
            f"Unable to accept more than {BATCH_LIMIT} items for this request.",
            413,
        )
    above = {name: value for name, value in call.args.items() if name.endswith("_id")}
    path = call.path.removesuffix("/batch")
    document: dict[str, list[Any]] = {}
    for verb, handler in (("create", create), ("update", update), ("delete", delete)):
        for item in wanted[verb]:
            args = {"id": int(item), "force": True} if verb == "delete" else dict(item)
            inner = replace(call, path=path, verb=verb, args=above | args)
            try:
                document.setdefault(verb, []).append(handler(inner).document)
            except Refused as refusal:
                number = 0 if verb == "create" else args.get("id", 0)
                error = refusal.document()
                document.setdefault(verb, []).append({"id": number, "error": error})
    return ok(document)


def trimmed(document: Any, fields: str) -> Any:
    """``_fields=id,_links.self``. Source: WordPress, rest_filter_response_fields."""
    wanted: dict[str, Any] = {}
    for name in filter(None, (part.strip() for part in fields.split(","))):
        node = wanted
        for step in name.split("."):
            node = node.setdefault(step, {})
    if not wanted:
        return document
    if isinstance(document, list):
        return [_picked(row, wanted) for row in document]
    return _picked(document, wanted)


def _picked(row: Any, wanted: dict[str, Any]) -> Any:
    """A list below a named field comes out empty: its keys are numbers, and none was asked for."""
    if isinstance(row, list):
        return []
    if not isinstance(row, dict):
        return row
    return {
        name: _picked(value, wanted[name]) if wanted[name] else value
        for name, value in row.items()
        if name in wanted
    }
