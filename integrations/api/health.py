"""How one store is doing: what was found, in words with what to do, and how much waits. And the
webhooks it sends.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, NamedTuple
from uuid import UUID

from django.db.models import Count, Q, QuerySet
from django.http import Http404
from django.utils import timezone
from drf_spectacular.utils import extend_schema
from rest_framework import serializers
from rest_framework.decorators import action
from rest_framework.request import Request
from rest_framework.response import Response

from integrations import (
    authentication,
    connect,
    keeping,
    privacy,
    reconcile,
    registry,
    sync,
)
from integrations.api.auth import may
from integrations.api.fields import Query
from integrations.api.stores_schema import StreamSerializer
from integrations.api.views import ApiViewSet
from integrations.models import (
    Command,
    Endpoint,
    ParkedRecord,
    Push,
    ReconciliationState,
    Store,
    StoreStatus,
    SyncGap,
)
from integrations.outbox import Reason
from logix.accounts.models import Scope

OK, WARNING, BAD = "ok", "warning", "bad"
_LEVELS = (OK, WARNING, BAD)
# A store that could not be read so often in a row has more than a hiccup.
_FAILURES = 3
_RECONNECT = "Make a new key in the store and send it with PATCH to this integration."


class Found(NamedTuple):
    level: str
    about: str
    what: str
    do: str


class FoundSerializer(serializers.Serializer[Any]):
    level = serializers.ChoiceField(_LEVELS)
    about = serializers.CharField()
    what = serializers.CharField(help_text="What is so.")
    do = serializers.CharField(help_text="What mends it.")


class AmountsSerializer(serializers.Serializer[Any]):
    deliveries_waiting = serializers.IntegerField()
    deliveries_parked = serializers.IntegerField()
    pushes_waiting = serializers.IntegerField()
    pushes_blocked = serializers.IntegerField()
    zeros_held = serializers.IntegerField(help_text="Of those: 0, and too many at once.")
    commands_waiting = serializers.IntegerField()
    commands_stuck = serializers.IntegerField(help_text="Refused by the store, or given up.")
    records_parked = serializers.IntegerField()
    gaps_open = serializers.IntegerField(help_text="Spans of time that are still to be read.")


class ArrivalsSerializer(serializers.Serializer[Any]):
    day = serializers.DateField(help_text="By the store's calendar.")
    told = serializers.IntegerField(help_text="Webhooks told of them.")
    polled = serializers.IntegerField(help_text="Found by polling; no webhook had told of them.")
    compared = serializers.IntegerField(
        help_text="Found by the nightly comparison; neither a webhook nor polling had."
    )
    others = serializers.IntegerField(help_text="Read with all orders, or by their number.")


class HealthSerializer(serializers.Serializer[Any]):
    level = serializers.ChoiceField(_LEVELS, help_text="The worst of what was found.")
    status = serializers.ChoiceField(StoreStatus.choices)
    last_ok_at = serializers.DateTimeField(allow_null=True)
    found = FoundSerializer(many=True, help_text="Empty: nobody is needed.")
    amounts = AmountsSerializer()
    arrivals = ArrivalsSerializer(
        many=True,
        help_text="How orders of the last seven days were first heard of, by the day they were "
        "placed, newest first.",
    )
    streams = StreamSerializer(many=True)


class SubscriptionSerializer(serializers.Serializer[Any]):
    topic = serializers.CharField()
    external_id = serializers.CharField()
    active = serializers.BooleanField()


class QueueSerializer(serializers.Serializer[Any]):
    """A queue of the merchant's own, from which Logix fetches the news."""

    address = serializers.CharField()
    asked_at = serializers.DateTimeField(allow_null=True, help_text="When it last answered.")
    is_deaf = serializers.BooleanField(
        help_text="It could not be read the last time; `problem` says why."
    )


class EndpointSerializer(serializers.Serializer[Any]):
    status = serializers.ChoiceField(Endpoint.Status.choices)
    address = serializers.CharField(
        allow_null=True,
        help_text="Where the store delivers. Only for tokens with the scope `stores:write`; null "
        "where the news come through a queue.",
    )
    queue = QueueSerializer(allow_null=True)
    topics = serializers.ListField(child=serializers.CharField(), help_text="What is wanted.")
    subscriptions = SubscriptionSerializer(many=True, help_text="What the store has confirmed.")
    problem = serializers.CharField(help_text="Why webhooks do not come; empty: nothing known.")
    mended = serializers.IntegerField(help_text="How many had to be made again so far.")
    last_received_at = serializers.DateTimeField(allow_null=True)
    last_checked_at = serializers.DateTimeField(allow_null=True)
    rotating_until = serializers.DateTimeField(
        allow_null=True, help_text="Until then the secret before the last change is good too."
    )


class StoreHealthViews(ApiViewSet):
    """Below ``/integrations/{id}``, for stores of any platform."""

    tag = "Integrations"
    write_scope = Scope.STORES_WRITE
    talks_to_store = frozenset({"check_webhooks", "rotate_secret"})
    pagination_class = None
    serializer_class = HealthSerializer

    def get_queryset(self) -> QuerySet[Store]:
        rows = Store.objects.filter(merchant=self.merchant)
        return connect.telling_places(rows).exclude(status=StoreStatus.DISCONNECTED)

    @extend_schema(summary="Is the store well, and if not, what to do", responses=HealthSerializer)
    @action(detail=True)
    def health(self, request: Request, pk: UUID) -> Response:
        self.query(Query)
        store = self._store(pk)
        amounts = _amounts(store)
        found = [
            *_connection(store),
            *_reading(store),
            *_places(store),
            *_zeros(store),
            *_webhooks(store),
            *_compared(store),
            *_ending(store),
            *_work(store, amounts),
        ]
        return Response(
            {
                "level": max((f.level for f in found), key=_LEVELS.index, default=OK),
                "status": store.status,
                "last_ok_at": store.last_ok_at,
                "found": [f._asdict() for f in found],
                "amounts": amounts,
                "arrivals": ArrivalsSerializer(
                    sync.arrivals(store, timezone.now()), many=True
                ).data,
                "streams": [StreamSerializer(s).data for s in store.streams.all()],
            }
        )

    @extend_schema(summary="The webhooks of a store", responses=EndpointSerializer)
    @action(detail=True)
    def webhooks(self, request: Request, pk: UUID) -> Response:
        self.query(Query)
        return Response(self._endpoint(self._store(pk)))

    @extend_schema(
        summary="Make the store's webhooks right",
        description="Missing ones are made, sleeping ones woken, strange ones removed.",
        request=None,
        responses=EndpointSerializer,
    )
    @action(detail=True, methods=["post"])
    def check_webhooks(self, request: Request, pk: UUID) -> Response:
        store = self._active(pk)
        connect.reconcile_webhooks(store)
        return Response(self._endpoint(store))

    @extend_schema(
        summary="Give the store a new secret to sign webhooks with",
        description="For 24 hours the old one is good as well, so nothing on its way is refused.",
        request=None,
        responses=EndpointSerializer,
    )
    @action(detail=True, methods=["post"])
    def rotate_secret(self, request: Request, pk: UUID) -> Response:
        store = self._active(pk)
        connect.rotate_webhook_secret(store, actor=self.actor)
        return Response(self._endpoint(store))

    def _endpoint(self, store: Store) -> dict[str, Any]:
        endpoint = store.endpoints.exclude(status=Endpoint.Status.CLOSED).first()
        if endpoint is None:
            raise connect.lacks_webhooks(store)
        shown = may(self.request, Scope.STORES_WRITE)
        queue = connect.queue_of(store)
        return {
            "status": endpoint.status,
            "address": (connect.webhook_address(store) or None) if shown else None,
            "queue": QueueSerializer(queue).data if queue else None,
            "topics": list(registry.card(store.platform).topics),
            "subscriptions": endpoint.subscriptions,
            "problem": endpoint.problem,
            "mended": endpoint.mended,
            "last_received_at": endpoint.last_received_at,
            "last_checked_at": endpoint.last_checked_at,
            "rotating_until": endpoint.previous_valid_until,
        }

    def _active(self, pk: UUID) -> Store:
        store = self._store(pk)
        if not store.is_active:
            raise connect.MoveRefused(
                f"{store.name} is “{store.get_status_display().lower()}”. Resume it first."
            )
        return store

    def _store(self, pk: UUID) -> Store:
        rows = self.get_queryset().select_related("merchant", "data_key", "breaker")
        store = rows.prefetch_related("streams").filter(pk=pk).first()
        if store is None:
            raise Http404
        return store


def _amounts(store: Store) -> dict[str, int]:
    """Five statements, each over one table: joined, the rows of one would multiply the others."""
    inbox = store.deliveries.filter(state__in=["new", "busy", "parked"]).order_by()
    deliveries = dict(inbox.values_list("state").annotate(n=Count("pk")))
    held = Q(state=Push.State.BLOCKED, problem_code=Reason.MASS_ZERO)
    by_state = store.pushes.order_by().values_list("state").annotate(n=Count("pk"))
    counted = list(by_state.annotate(held=Count("pk", filter=held)))
    pushes = {state: count for state, count, _ in counted}
    commands = dict(store.commands.order_by().values_list("state").annotate(n=Count("pk")))
    gaps = SyncGap.objects.filter(stream__store=store, closed_at=None)
    return {
        "deliveries_waiting": _sum(deliveries, "new", "busy"),
        "deliveries_parked": _sum(deliveries, "parked"),
        "pushes_waiting": _sum(pushes, *Push.UNSENT),
        "pushes_blocked": _sum(pushes, Push.State.BLOCKED),
        "zeros_held": sum(held for *_, held in counted),
        "commands_waiting": _sum(commands, *Command.UNTOLD),
        "commands_stuck": _sum(commands, Command.State.REFUSED, Command.State.PARKED),
        "records_parked": store.parked.filter(state=ParkedRecord.State.PARKED).count(),
        "gaps_open": gaps.count(),
    }


def _sum(counts: dict[str, int], *states: str) -> int:
    return sum(counts.get(state, 0) for state in states)


def _connection(store: Store) -> Iterator[Found]:
    if store.status == StoreStatus.NEEDS_MERCHANT:
        words = f"The store refuses its credentials. {store.status_reason}".strip()
        yield Found(BAD, "connection", words, _RECONNECT)
    elif store.status != StoreStatus.ACTIVE:
        words = f"The store is “{store.get_status_display().lower()}”: nothing is read or written."
        yield Found(WARNING, "connection", words, "Resume it.")
    breaker = getattr(store, "breaker", None)
    if store.is_active and breaker is not None and breaker.state != "closed":
        words = f"It keeps failing and is left alone for a while. {breaker.last_error}".strip()
        yield Found(BAD, "connection", words, "See that the store is up, then test the connection.")


def _reading(store: Store) -> Iterator[Found]:
    for stream in store.streams.all():
        if store.is_active and stream.enabled and stream.failures >= _FAILURES:
            yield Found(
                BAD,
                stream.name,
                f"They could not be read {stream.failures} times in a row. {stream.last_error}",
                "Mend what the message says; Logix tries again by itself.",
            )
    if words := sync.unknown_words(store):
        told = ", ".join(f"“{word}” ({count})" for word, count in words.items())
        yield Found(
            WARNING,
            "statuses",
            f"Orders wait because nobody has said what their status means: {told}.",
            "Name each in options.status_words, with the platform's status it counts as; then "
            "they finish by themselves.",
        )
    for rule, problem in sync.broken_rules(store).items():
        yield Found(BAD, "mappings", f"The rule “{rule}” cannot work: {problem}", "Change it.")


def _places(store: Store) -> Iterator[Found]:
    if connect.lacks_places(store):
        yield Found(
            WARNING,
            "stock",
            "The store keeps stock at several locations, and none of them shows a place of Logix "
            "yet, so none is read or written.",
            "Choose with PUT …/locations which of your places each of them shows.",
        )


def _zeros(store: Store) -> Iterator[Found]:
    if store.is_stock_master and (held := sync.zeros_held(store)):
        yield Found(
            BAD,
            "stock",
            f"The store, which counts its stock, shows 0 for {held} listings and no order explains "
            "it. None of that was taken over.",
            "Look at its stock; if it is meant, POST …/stock-master/believe-zeros.",
        )


def _compared(store: Store) -> Iterator[Found]:
    """Whether the nightly comparison asks somebody, failed, or found orders not exact enough."""
    standing = reconcile.standing(store.pk)
    run, exact = standing.newest, standing.accuracy
    if run is not None and run.state == ReconciliationState.STOPPED:
        do = "Look at the store, then POST …/reconciliations/{id}/go-on to change so much."
        yield Found(BAD, "comparison", run.problem, do)
    elif run is not None and run.state == ReconciliationState.FAILED:
        do = "Mend what the message says; the next night compares again."
        yield Found(WARNING, "comparison", f"It failed. {run.problem}", do)
    if standing.is_overdue(store, timezone.now()):
        do = "See that a worker serves the lane bulk; POST …/reconciliations compares at once."
        yield Found(WARNING, "comparison", "The store was not compared for three days.", do)
    if exact.share is not None and exact.share < reconcile.WANTED_EXACT:
        do = "See …/reconciliations: each that differed is named, and was read again."
        yield Found(WARNING, "accuracy", f"{exact}, where 99.9 % are wanted.", do)
    elif exact.share is not None:
        yield Found(OK, "accuracy", f"{exact}.", "Nothing to do.")


def _ending(store: Store) -> Iterator[Found]:
    """Credentials that end by themselves, and buyers' data that should have."""
    card, now = registry.known_card(store.platform), timezone.now()
    mine = Store.objects.filter(pk=store.pk)
    for one in authentication.ending_soon(mine, now) if card and card.has_endings else ():
        step = one.step(now)
        is_urgent = step is not None and step <= authentication.STEPS[-1]
        yield Found(BAD if is_urgent else WARNING, "credentials", one.words(now), one.do)
    for kept in privacy.near(mine, now) if keeping.kept_for(card, store) else ():
        level = BAD if kept.is_broken(now) else WARNING
        yield Found(level, "buyers", kept.words(now), privacy.REMEDY)


def _webhooks(store: Store) -> Iterator[Found]:
    endpoint = store.endpoints.exclude(status=Endpoint.Status.CLOSED).first()
    if store.is_active and store.auto_sync and endpoint is not None and endpoint.problem:
        yield Found(
            WARNING,
            "webhooks",
            endpoint.problem,
            "Mend the cause, then check the webhooks. Until then orders are read by polling.",
        )
    elif endpoint is not None and sync.is_quiet(endpoint, now := timezone.now()):
        for silence in sync.silences(Store.objects.filter(pk=store.pk), now):
            yield Found(WARNING, "webhooks", silence.words(now), silence.remedy)


def _work(store: Store, amounts: dict[str, int]) -> Iterator[Found]:
    """What waits for a person, by its count."""
    if amounts["records_parked"]:
        words = f"Records that could not be understood: {amounts['records_parked']}."
        yield Found(WARNING, "parked", words, "See /parked: each says why; retry or dismiss it.")
    if amounts["deliveries_parked"]:
        words = f"Webhooks that could not be processed: {amounts['deliveries_parked']}."
        yield Found(WARNING, "webhooks", words, "See the webhook inbox in the admin.")
    if amounts["commands_stuck"]:
        words = f"Changes of orders that were refused or given up: {amounts['commands_stuck']}."
        yield Found(WARNING, "writes", words, "See the commands in the admin: each says why.")
    if held := amounts["zeros_held"]:
        yield Found(
            BAD,
            "stock",
            f"{held} listings would fall to 0 at once and no order explains it, so the store was "
            "not told. A stock rule, a closed place or a count may be wrong.",
            "Look at one of them (/stock/pushes?code=would_sell_out, /stock/explain); mended, they "
            "go on by themselves. If all is meant, POST …/send-zeros.",
        )
    if amounts["pushes_blocked"] and store.writes_enabled:
        words = f"{amounts['pushes_blocked']} stock figures cannot be sent."
        yield Found(WARNING, "stock", words, "See /stock/pushes: each says why; retry it there.")
    waiting = amounts["pushes_waiting"] + amounts["pushes_blocked"] + amounts["commands_waiting"]
    if waiting and not store.writes_enabled:
        # Off is how a store begins: worth saying, nothing to worry about.
        yield Found(
            OK,
            "writes",
            f"Writing to this store is off, so {waiting} changes wait.",
            "Turn writes_enabled on when they should go out.",
        )
