"""Is this process alive, may it get traffic, and how is the hub doing.

``/livez`` asks nothing. ``/readyz`` asks the database; a broker that is away only degrades the hub,
since the standby (``manage.py drain``) does the work without being rung. ``/metrics`` is read from
the database at the moment of the scrape by collectors that applications register:
``health.register(collector)``.
"""

from __future__ import annotations

import hmac
import ipaddress
import time
from collections.abc import Callable, Iterable, Iterator

import structlog
from celery import current_app
from django.conf import settings
from django.db import DatabaseError, connection
from django.db.migrations.executor import MigrationExecutor
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe
from prometheus_client import CONTENT_TYPE_LATEST, CollectorRegistry, Metric, generate_latest
from prometheus_client.core import GaugeMetricFamily, InfoMetricFamily
from prometheus_client.registry import Collector

log = structlog.get_logger(__name__)

# Yields metric families, e.g. prometheus_client.core.GaugeMetricFamily, from a few cheap queries.
MetricsCollector = Callable[[], Iterable[Metric]]

_BROKER_MEMORY_S = 5.0

_collectors: list[MetricsCollector] = []
_broker_seen: tuple[float, str] = (0.0, "")
_migrated = False


def register(collector: MetricsCollector) -> MetricsCollector:
    """Have ``collector`` called at every scrape. Call it in ``AppConfig.ready``; usable as a
    decorator.
    """
    if collector not in _collectors:
        _collectors.append(collector)
    return collector


@never_cache
@require_safe
def livez(_request: HttpRequest) -> HttpResponse:
    return JsonResponse({"status": "ok", "version": settings.LOGIX_VERSION})


@never_cache
@require_safe
def readyz(_request: HttpRequest) -> HttpResponse:
    """200 ``ok`` or ``degraded`` (works, but later), 503 ``down``; each part with its own word."""
    parts = {"database": _database(), "migrations": _migrations(), "broker": _broker()}
    if parts["database"] != "ok" or parts["migrations"] != "ok":
        status = "down"
    else:
        status = "ok" if parts["broker"] == "ok" else "degraded"
    return JsonResponse({"status": status, **parts}, status=503 if status == "down" else 200)


@never_cache
@require_safe
def metrics(request: HttpRequest) -> HttpResponse:
    """Prometheus text, for this machine or the bearer of ``LOGIX_METRICS_TOKEN``."""
    if not _may_read_metrics(request):
        return JsonResponse(
            {
                "code": "forbidden",
                "detail": "Metrics are for this machine, or for the bearer of LOGIX_METRICS_TOKEN.",
            },
            status=403,
        )
    registry = CollectorRegistry()
    registry.register(_Everything())
    return HttpResponse(generate_latest(registry), content_type=CONTENT_TYPE_LATEST)


def _may_read_metrics(request: HttpRequest) -> bool:
    token = settings.LOGIX_METRICS_TOKEN
    given = request.headers.get("Authorization", "").removeprefix("Bearer ")
    if token and hmac.compare_digest(given.encode(), token.encode()):
        return True
    # Behind a proxy on this machine every caller seems to be this machine.
    proxied = settings.LOGIX_BEHIND_PROXY or "X-Forwarded-For" in request.headers
    return not proxied and _is_loopback(request.META.get("REMOTE_ADDR", ""))


def _is_loopback(address: str) -> bool:
    try:
        return ipaddress.ip_address(address).is_loopback
    except ValueError:
        return False


def _database() -> str:
    """A standby that only reads is no database to us: every webhook must be written."""
    postgres = connection.vendor == "postgresql"
    try:
        with connection.cursor() as cursor:
            cursor.execute("SHOW transaction_read_only" if postgres else "SELECT 'off'")
            read_only = cursor.fetchone()[0] == "on"
    except DatabaseError as err:
        log.warning("not_ready", part="database", error=type(err).__name__)
        return "unreachable"
    return "read only" if read_only else "ok"


def _migrations() -> str:
    """Looked up until complete once: nobody takes migrations back under a running process."""
    global _migrated
    if not _migrated:
        try:
            executor = MigrationExecutor(connection)
            _migrated = not executor.migration_plan(executor.loader.graph.leaf_nodes())
        except DatabaseError:
            return "unknown"
    return "ok" if _migrated else "missing: run manage.py migrate"


def _broker() -> str:
    """Asked at most every five seconds; takes about a second when the broker is silent."""
    global _broker_seen
    at, answer = _broker_seen
    if not answer or time.monotonic() - at > _BROKER_MEMORY_S:
        answer = "ok"
        try:
            with current_app.connection_for_write() as broker:
                broker.connect()
                broker.default_channel  # noqa: B018 - Redis is only spoken to when a channel opens
        except Exception as err:  # any transport, any failure: the answer is the same
            log.warning("degraded", part="broker", error=type(err).__name__)
            answer = "unreachable"
        _broker_seen = (time.monotonic(), answer)
    return answer


class _Everything(Collector):
    """All registered collectors; one that fails is counted and costs only its own metrics."""

    def collect(self) -> Iterator[Metric]:
        yield InfoMetricFamily("logix", "This hub.", value={"version": settings.LOGIX_VERSION})
        broken = GaugeMetricFamily(
            "logix_collector_failed", "1 while a collector cannot be read.", labels=["collector"]
        )
        for collector in _collectors:
            name = f"{collector.__module__}.{getattr(collector, '__name__', 'collector')}"
            try:
                yield from list(collector())
                broken.add_metric([name], 0)
            except Exception:
                log.exception("collector_failed", collector=name)
                broken.add_metric([name], 1)
        yield broken
