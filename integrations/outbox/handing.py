"""Hands a file over, looks what became of it, and has the store's word on each of its lines kept.
What the lines are is left to ``handing_figures`` and ``handing_parcels``.

Every step may be broken off anywhere and is begun again. Until the handle is kept nothing has
reached the store, so the file is written anew; afterwards it is only looked after. What came to
nothing, or never ends, goes out again.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from datetime import datetime, timedelta
from itertools import islice
from typing import Any, ClassVar, Generic, TypeVar

import structlog
from django.db import InterfaceError, OperationalError
from django.db.models.functions import Now

from integrations import authentication, policy
from integrations.base import BaseEcommerceIntegration, FileOutcome
from integrations.errors import PlatformError
from integrations.kit.http import Priority
from integrations.models import HandOver, ParcelHandOver, StockHandOver, Store
from integrations.outbox import files, gate
from integrations.outbox.files import Fenced, keep
from integrations.outbox.gate import Closed
from integrations.outbox.reasons import SENTENCES, Reason
from integrations.platform import Ability
from integrations.policy import What
from logix.common.garbage import collect_young

log = structlog.get_logger(__name__)

# A store that has not worked a file off by then is not waited for.
PATIENCE = timedelta(hours=12)
# A file that could not be handed over by then is not kept waiting: calls can.
_LATEST = timedelta(hours=1)
_MOST_TRIES = 3
# After one that came to nothing, what was in it goes out by calls for a while.
_REST = timedelta(minutes=15)
_FIRST_LOOK_S = 30.0
_RECHECK_S = 900.0
_State = HandOver.State
File = TypeVar("File", StockHandOver, ParcelHandOver)


class Job(ABC, Generic[File]):
    """One file under its lease."""

    needs: ClassVar[Ability]

    def __init__(self, file: File) -> None:
        self.file: File = file
        self.store: Store = file.store
        # Whether nothing of it can take effect any more.
        self.is_over = not file.handle or file.state == _State.SETTLING

    def go_on(self) -> bool:
        """The next step. False where nothing more is to be done at once."""
        file = self.file
        most = policy.MAX_ATTEMPTS if file.handle else _MOST_TRIES
        if file.attempts > most and (self.is_over or self._is_late()):
            return self._give_up("The workers that were at it ended before it was done.")
        if file.state == _State.SETTLING:
            while self._end_some():
                collect_young()
            return self._done()
        step = self._send if file.state == _State.SENDING else self._look
        try:
            with authentication.adapter_for(self.store, priority=Priority.BULK) as adapter:
                return step(adapter)
        except (Fenced, OperationalError, InterfaceError):
            raise
        except Exception as err:
            return self._failed(err)

    def rest(self) -> None:
        """Give the lease back."""
        files.mine(self.file).update(lease_until=None)

    # -- what the lines are

    @abstractmethod
    def _hand_over(
        self, adapter: BaseEcommerceIntegration, now: datetime, closed: Closed | None
    ) -> bool:
        """Write the file and hand it over: ``_handed`` then. ``closed``: the store's orders could
        not be read in time.
        """

    @abstractmethod
    def _outcome(self, adapter: BaseEcommerceIntegration) -> FileOutcome[Any]: ...

    @abstractmethod
    def _drop(self, adapter: BaseEcommerceIntegration) -> None: ...

    @abstractmethod
    def _note(self, refused: Mapping[int, Any]) -> None:
        """Keep the store's word on these lines."""

    @abstractmethod
    def _end_some(self) -> bool:
        """As what calls answered. A line that has ended already is left alone. False where none is
        left.
        """

    @abstractmethod
    def _put_back(self, why: str) -> None:
        """All that is still in the file is to be sent again."""

    @abstractmethod
    def _ring(self) -> None:
        """For what goes out by calls."""

    # -- the file

    def _send(self, adapter: BaseEcommerceIntegration) -> bool:
        if self.file.handle:
            # Whoever handed it over ended before it heard of it.
            return self._wait(_FIRST_LOOK_S, state=_State.PENDING)
        if not self.store.writes_enabled:
            return self._give_up(SENTENCES[Reason.WRITES_OFF], timedelta())
        now = now_of(self.store)
        closed = gate.look(self.store, now)
        if closed and (self.file.gathered_at or now) > closed.waited_since:
            return self._wait(closed.look_again.total_seconds())
        adapter.require(self.needs)
        return self._hand_over(adapter, now, closed)

    def _keep_handle(self, handle: Mapping[str, Any]) -> None:
        keep(self.file, handle=dict(handle))
        self.is_over = not handle

    def _handed(self, handle: Mapping[str, Any], **counted: int) -> bool:
        log.info("handed_over", store=str(self.store.pk), **counted)
        return self._wait(_FIRST_LOOK_S, state=_State.PENDING, handle=dict(handle), **counted)

    # -- the store's word

    def _look(self, adapter: BaseEcommerceIntegration) -> bool:
        outcome = self._outcome(adapter)
        if outcome.wait_s is not None:
            if not self._is_late():
                return self._wait(outcome.wait_s)
            self._drop(adapter)
            hours = PATIENCE // timedelta(hours=1)
            return self._give_up(f"The store had not worked it off after {hours} hours.")
        self.is_over = True
        if outcome.lost:
            return self._give_up(outcome.lost)
        refused = iter(outcome.refused)
        while some := dict(islice(refused, files.CHUNK)):
            keep(self.file)
            self._note(some)
        count = self.file.lines.exclude(code="").count()
        settling = {"state": _State.SETTLING, "attempts": 1}
        keep(self.file, **settling, ended_at=outcome.ended_at, refused=count)
        return True

    # -- how it goes on

    def _wait(self, seconds: float, **changes: Any) -> bool:
        next_at = now_of(self.store) + timedelta(seconds=seconds)
        well = {"attempts": 0, "problem_code": "", "problem": ""}
        keep(self.file, next_at=next_at, **well, **changes)
        return False

    def _done(self, **changes: Any) -> bool:
        ended = {"state": _State.DONE, "done_at": Now(), "next_at": None, **changes}
        keep(self.file, **ended, problem_code="", problem="")
        self._ring()
        return False

    def _give_up(self, why: str, rest: timedelta = _REST, code: str = Reason.FILE_LOST) -> bool:
        """All that is in it goes out again, unless somebody else is at it by now."""
        keep(self.file)
        self._put_back(why)
        ended = {"state": _State.FAILED, "done_at": Now(), "next_at": now_of(self.store) + rest}
        keep(self.file, **ended, problem_code=code[:60], problem=why)
        log.warning("hand_over_failed", store=str(self.store.pk), code=code)
        self._ring()
        return False

    def _is_late(self) -> bool:
        handed_at = self.file.handed_at
        return handed_at is not None and now_of(self.store) - handed_at > PATIENCE

    def _failed(self, err: Exception) -> bool:
        """Wait where that helps. What may still take effect is looked after as long as there is
        patience; what cannot goes out by calls soon.
        """
        file = self.file
        if isinstance(err, PlatformError):
            authentication.note_failure(self.store, err)
        else:
            log.error("hand_over_stopped", store=str(self.store.pk), exc_info=err)
        tries = file.attempts - (not policy.rule_for(err).counts)
        decision = policy.decide(err, attempts=max(1, tries))
        log.info("hand_over_waits", store=str(self.store.pk), code=decision.code)
        waits = decision.what is What.WAIT or decision.stops_store
        if file.handle:
            ends = self._is_late() or (self.is_over and not waits)
        else:
            since = file.gathered_at
            is_old = since is not None and now_of(self.store) - since > _LATEST
            ends = is_old or tries >= _MOST_TRIES or not waits
        delay_s = _RECHECK_S if decision.delay_s is None else decision.delay_s
        if decision.counts:
            delay_s = min(delay_s, _RECHECK_S)
        if ends:
            rest = max(_REST, timedelta(seconds=decision.delay_s or 0))
            return self._give_up(decision.sentence, rest, decision.code)
        keep(
            file,
            state=_State.PENDING if file.handle else file.state,
            attempts=tries,
            next_at=now_of(self.store) + timedelta(seconds=delay_s),
            problem_code=decision.code[:60],
            problem=decision.sentence,
        )
        return False


def now_of(store: Store) -> datetime:
    """The database's clock."""
    return Store.objects.values_list(Now(), flat=True).get(pk=store.pk)
