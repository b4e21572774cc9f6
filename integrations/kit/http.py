"""``PlatformSession``: the one way this house speaks HTTP to a store.

It keeps one deadline over all tries, repeats what the tables in ``kit.outcomes`` say is worth
repeating, waits for the shared limiter, asks the breaker, connects only where the guard allows,
follows no redirect, keeps no cookie, caps what it reads, and turns every failure into an error of
``integrations.errors``. What an answer means is left to adapters.
"""

from __future__ import annotations

import random
import threading
import time
from collections.abc import Callable, Collection, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime
from functools import cache
from importlib.metadata import PackageNotFoundError, version
from typing import Any, Final, Self
from urllib.parse import urlsplit

import requests
import structlog
from requests.auth import AuthBase
from requests.structures import CaseInsensitiveDict

from integrations.errors import PlatformError, RateLimited, Unavailable
from integrations.kit import outcomes, wire
from integrations.kit.answer import Answer, CallRecord, route_of
from integrations.kit.auth import RenewingAuth
from integrations.kit.body import read_body
from integrations.kit.breaker import Breaker
from integrations.kit.outcomes import LONGEST_SLEEP_S, READS, REPEATABLE
from integrations.kit.outgoing import Params, Prepare, preparer, request_id, url_below
from integrations.kit.ratelimit import Limiter, LimitNews, Priority
from integrations.kit.refusal import Explain, Explained, redirected, refusal, unsendable
from integrations.kit.ssrf import AddressGuard, Origin

__all__ = ["Answer", "CallRecord", "Explained", "PlatformSession", "Priority", "route_of"]

log = structlog.get_logger(__name__)

OK: Final = frozenset(range(200, 300))
MIB: Final = 1024 * 1024
ERROR_BODY: Final = 256 * 1024
# Nobody waits for a back-fill, and a page of a platform that counts by cost may take seconds of it.
BULK_SLEEP_S: Final = 20.0
# What another call gives back shortens the wait: it is looked for that often.
NAP_S: Final = 1.0


@cache
def product() -> str:
    """What we call ourselves to platforms."""
    try:
        return f"Logix/{version('logix')}"
    except PackageNotFoundError:
        return "Logix"


def _is_unauthorized(answer: Answer) -> bool:
    return answer.status == 401


def _usual_rest_s(_bucket: str) -> float:
    return outcomes.UNSTATED_429_S


class _Default:
    """The session's own auth, where None must mean "no auth"."""


_SESSION_AUTH: Final = _Default()


@dataclass(slots=True)
class _Call:
    """What one ``request`` knows of itself while it runs."""

    method: str
    url: str
    origin: Origin
    bucket: str
    cost: float
    repeatable: bool
    write: bool
    ok: Collection[int]
    deadline: float
    request_id: str
    auth: AuthBase | None
    explain: Explain | None
    refused: requests.PreparedRequest | None = None
    has_renewed: bool = False
    attempts: int = 0
    wait_s: float = 0.0
    bytes_in: int = 0
    status: int | None = None


class PlatformSession:
    """HTTP with one store. Safe between threads; at most ``per_host`` calls are under way at once.

    ``base_url`` may have a sub-directory. ``explain`` reads the platform's own error body,
    ``learn`` its limit headers; ``user_agent`` is what it is told of us. ``observe`` is told of
    each call exactly once, when it has ended, however many tries it took.
    """

    def __init__(
        self,
        base_url: str,
        *,
        limiter: Limiter,
        breaker: Breaker,
        guard: AddressGuard,
        auth: AuthBase | None = None,
        store_id: str = "",
        observe: Callable[[CallRecord], None] | None = None,
        explain: Explain | None = None,
        learn: Callable[[Answer], LimitNews | None] | None = None,
        priority: Priority = Priority.LIVE,
        connect_s: float = 3,
        read_s: float = 20,
        total_s: float = 45,
        max_body: int = 10 * MIB,
        max_headers: int = 64_000,
        retries: int = 2,
        per_host: int = 4,
        ca_bundle: str | None = None,
        user_agent: str = "",
        clock: Callable[[], float] = time.monotonic,
        sleep: Callable[[float], None] = time.sleep,
    ) -> None:
        self.origin = guard.check_url(base_url)
        self.base_url = f"{self.origin}{urlsplit(base_url).path.rstrip('/')}"
        self.store_id = store_id
        self.priority = priority
        self.auth = auth
        self.explain = explain
        self.learn = learn
        self.limiter = limiter
        self.breaker = breaker
        self.guard = guard
        self.observe = observe
        # Secrets of this store; no sentence about its answers repeats them.
        self.hidden: tuple[str, ...] = ()
        # Whether an answer refuses the token alone; some platforms say so with another status.
        self.refuses_token: Callable[[Answer], bool] = _is_unauthorized
        # Seconds to rest a bucket after a 429 that states none.
        self.rest_s: Callable[[str], float] = _usual_rest_s
        self._connect_s = connect_s
        self._read_s = read_s
        self._total_s = total_s
        self._max_body = max_body
        self._max_headers = max_headers
        self._retries = retries
        self.user_agent = user_agent or product()
        self._clock = clock
        self._sleep = sleep
        self._adapter = wire.GuardedAdapter(per_host=per_host, ca_bundle=ca_bundle)
        self._room = threading.BoundedSemaphore(per_host)

    def __repr__(self) -> str:
        return f"PlatformSession({self.base_url})"

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *exc: object) -> None:
        self.close()

    def close(self) -> None:
        """Close the pooled connections. The session may be used again; it then opens new ones."""
        self._adapter.close()

    def elsewhere(self, address: str, **own: Any) -> PlatformSession:
        """A session with another host for the same store: guarded, patient and noted as this one,
        without anything that proves who we are. ``own`` must bring a limiter and a breaker.
        """
        same: dict[str, Any] = {
            "guard": self.guard,
            "store_id": self.store_id,
            "observe": self.observe,
            "priority": self.priority,
            "connect_s": self._connect_s,
            "read_s": self._read_s,
            "total_s": self._total_s,
            "retries": self._retries,
            "user_agent": self.user_agent,
            "clock": self._clock,
            "sleep": self._sleep,
        }
        return PlatformSession(address, **{**same, **own})

    def get(self, path: str, **options: Any) -> Answer:
        return self.request("GET", path, **options)

    def post(self, path: str, **options: Any) -> Answer:
        return self.request("POST", path, **options)

    def put(self, path: str, **options: Any) -> Answer:
        return self.request("PUT", path, **options)

    def delete(self, path: str, **options: Any) -> Answer:
        return self.request("DELETE", path, **options)

    def request(
        self,
        method: str,
        path: str,
        *,
        params: Params | None = None,
        json: Any = None,
        data: Any = None,
        headers: Mapping[str, str] | None = None,
        auth: AuthBase | _Default | None = _SESSION_AUTH,
        explain: Explain | None = None,
        bucket: str = "default",
        cost: float = 1,
        repeatable: bool | None = None,
        ok: Collection[int] = OK,
        total_s: float | None = None,
    ) -> Answer:
        """Call ``path`` (below ``base_url``, or absolute with the same origin) and return the
        answer if its status is ``ok``.

        ``repeatable`` None goes by the method: GET, HEAD, OPTIONS, PUT and DELETE are sent again,
        POST and PATCH are not once they may have arrived. True says that sending twice does no
        harm: a lost answer is then Unavailable. Any other write whose answer is lost raises
        OutcomeUnknown. ``total_s`` is the deadline over all tries and waits. ``explain`` reads the
        error body of this call in place of the session's. Raises any ``PlatformError``.

        An answer that ``refuses_token`` to an auth that renews itself is no refusal yet: the call
        was not carried out, so whatever it is, it is sent once more with the new token.
        """
        method = method.upper()
        url = url_below(self.base_url, path, self.guard)
        started = self._clock()
        at = datetime.now(UTC)
        sign = self.auth if isinstance(auth, _Default) else auth
        call = _Call(
            method=method,
            url=url,
            origin=self.origin,
            bucket=bucket,
            cost=cost,
            repeatable=method in REPEATABLE if repeatable is None else repeatable,
            write=method not in READS and repeatable is not True,
            ok=ok,
            deadline=started + (self._total_s if total_s is None else total_s),
            request_id=request_id(),
            auth=sign,
            explain=explain or self.explain,
        )
        error = ""
        try:
            own = {"User-Agent": self.user_agent, "X-Request-ID": call.request_id}
            prepare = preparer(
                method,
                url,
                params=params,
                json=json,
                data=data,
                headers=own | dict(headers or {}),
                auth=sign,
            )
            return self._perform(call, prepare)
        except PlatformError as err:
            error = err.code
            raise
        finally:
            self._tell(
                CallRecord(
                    store_id=self.store_id,
                    method=method,
                    route=route_of(url),
                    status=call.status,
                    error=error,
                    attempts=call.attempts,
                    elapsed_s=self._clock() - started,
                    wait_s=call.wait_s,
                    bytes_in=call.bytes_in,
                    request_id=call.request_id,
                    bucket=bucket,
                    at=at,
                )
            )

    def _perform(self, call: _Call, prepare: Prepare) -> Answer:
        """All tries of one call, and its outcome told to the breaker."""
        if isinstance(call.auth, RenewingAuth):
            call.auth.ready()
        self._wait_for_limiter(call)
        self.breaker.before()
        try:
            answer = self._tries(call, prepare)
        except PlatformError as err:
            self.breaker.failure(err)
            raise
        self.breaker.success()
        return answer

    def _tries(self, call: _Call, prepare: Prepare) -> Answer:
        while True:
            call.attempts += 1
            error, pause = self._try(call, prepare)
            if isinstance(error, Answer):
                return error
            if self._has_new_token(call):
                self._wait_for_limiter(call)
                continue
            if pause is None or call.attempts > self._retries:
                raise error
            if pause > LONGEST_SLEEP_S or pause >= call.deadline - self._clock():
                raise error
            self._pause(call, pause)
            try:
                self._wait_for_limiter(call)
            except RateLimited:
                raise error from None

    def _has_new_token(self, call: _Call) -> bool:
        """Whether the last try was refused for its token and there is another one now; once in a
        call. Raises PlatformError when no token is to be had.
        """
        refused, call.refused = call.refused, None
        if refused is None or call.has_renewed or not isinstance(call.auth, RenewingAuth):
            return False
        call.has_renewed = True
        return call.auth.renewed(refused)

    def _try(self, call: _Call, prepare: Prepare) -> tuple[Answer | PlatformError, float | None]:
        """One try: the answer, or the error and the seconds after which another try makes sense
        (None: none does).
        """
        host = call.origin.host
        line = wire.Wire(
            guard=self.guard,
            deadline=call.deadline,
            connect_s=self._connect_s,
            read_s=self._read_s,
            max_headers=self._max_headers,
            clock=self._clock,
        )
        if not self._room.acquire(timeout=max(0.0, call.deadline - self._clock())):
            return Unavailable(f"Too many calls to {host} are under way.", code="busy"), None
        token = wire.CURRENT.set(line)
        call.status = None
        try:
            prepared = prepare()
            answer = self._exchange(call, prepared)
        except Unavailable as err:
            return err, outcomes.backoff_s(call.attempts, random.random())  # noqa: S311
        except PlatformError as err:
            return err, None
        except (requests.RequestException, UnicodeError, *outcomes.WIRE_ERRORS) as err:
            if isinstance(err, outcomes.BAD_REQUEST):
                return unsendable(host, err), None
            if not line.sent:
                return wire.no_time_left(host), None
            lost = outcomes.lost_answer(host, outcomes.loss_of(err), write=call.write)
            lost.__cause__ = err
            pause = outcomes.backoff_s(call.attempts, random.random())  # noqa: S311
            return lost, pause if call.repeatable else None
        finally:
            wire.CURRENT.reset(token)
            self._room.release()
        self._learn(call, answer)
        if answer.status in call.ok:
            return answer, None
        call.refused = prepared if self.refuses_token(answer) else None
        return self._refusal(call, answer)

    def _exchange(self, call: _Call, prepared: requests.PreparedRequest) -> Answer:
        """Send and read completely. Raises PlatformError, or what requests and urllib3 raise."""
        started = self._clock()
        # The adapter itself, not Session.send: a session reads a redirect's whole body even when it
        # must not follow.
        response = self._adapter.send(
            prepared, stream=True, timeout=(self._connect_s, self._read_s), verify=True, proxies={}
        )
        try:
            call.status = response.status_code
            headers = CaseInsensitiveDict(response.headers)
            is_ok = response.status_code in call.ok
            body, received = read_body(
                response.raw,
                headers.get("Content-Encoding", ""),
                cap=self._max_body if is_ok else min(ERROR_BODY, self._max_body),
                cut=not is_ok,
            )
            call.bytes_in += received
        finally:
            response.close()
        return Answer(
            status=response.status_code,
            headers=headers,
            body=body,
            url=call.url.partition("?")[0],
            date=outcomes.http_date(headers.get("Date", "")),
            elapsed_s=self._clock() - started,
            request_id=call.request_id,
        )

    def _refusal(self, call: _Call, answer: Answer) -> tuple[PlatformError, float | None]:
        """The error an answer amounts to, and the pause before another try if one makes sense."""
        host = call.origin.host
        if 300 <= answer.status < 400 and answer.headers.get("Location"):
            return redirected(call.origin, answer, self.hidden), None
        meaning = outcomes.meaning_of(answer.status, html=answer.is_html)
        stated = outcomes.retry_after_s(answer.headers, answer.date or datetime.now(UTC))
        if stated is None and answer.status == 429:
            stated = self.rest_s(call.bucket)
        error = refusal(
            answer,
            host,
            meaning,
            explain=call.explain,
            stated_s=stated,
            lost=meaning.lost and call.write,
            hidden=self.hidden,
        )
        if isinstance(error, RateLimited):
            self.limiter.penalize(self._key(call), error.retry_after_s)
            return error, error.retry_after_s
        # What may have been done must not be done again; what was refused outright may.
        again = meaning.again and (call.repeatable or not meaning.lost)
        if not again or not isinstance(error, Unavailable):
            return error, None
        if stated is not None:
            return error, stated
        return error, outcomes.backoff_s(call.attempts, random.random())  # noqa: S311

    def _wait_for_limiter(self, call: _Call) -> None:
        """Take quota; sleep a little for it, else raise RateLimited with the seconds to wait."""
        key = self._key(call)
        longest = BULK_SLEEP_S if self.priority is Priority.BULK else LONGEST_SLEEP_S
        slept = 0.0
        while wait := self.limiter.take(key, cost=call.cost, priority=self.priority):
            if slept + wait > longest or wait >= call.deadline - self._clock():
                raise RateLimited(
                    f"The call limit of {call.origin.host} is used up for now.",
                    retry_after_s=wait,
                    code="limiter",
                )
            nap = min(wait, NAP_S)
            self._pause(call, nap)
            slept += nap

    def _pause(self, call: _Call, seconds: float) -> None:
        self._sleep(seconds)
        call.wait_s += seconds

    def _learn(self, call: _Call, answer: Answer) -> None:
        if self.learn is None:
            return
        try:
            news = self.learn(answer)
        except Exception:
            # Limit headers are a hint; reading one wrongly must not cost the answer.
            log.exception("learn_failed", request_id=call.request_id)
            return
        if news is not None:
            self.limiter.learn(
                self._key(call),
                remaining=news.remaining,
                reset_s=news.reset_s,
                rate=news.rate,
                unspent=0.0 if news.cost is None else call.cost - news.cost,
                priority=self.priority,
            )

    def _key(self, call: _Call) -> str:
        return f"{self.store_id or call.origin.host}:{call.bucket}"

    def _tell(self, record: CallRecord) -> None:
        if self.observe is None:
            return
        try:
            self.observe(record)
        except Exception:
            # A request log that fails must not cost the answer that was already paid for.
            log.exception("call_record_lost", route=record.route, request_id=record.request_id)
