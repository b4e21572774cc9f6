"""Working one delivery, with the store asked where its own content does not settle it, and what
follows a failure.
"""

from __future__ import annotations

from datetime import datetime, timedelta
from functools import partial
from uuid import UUID

import structlog
from django.db.models.functions import Now
from django.utils import timezone

from integrations import authentication, policy, sync
from integrations.base import BaseEcommerceIntegration
from integrations.errors import PlatformError, Wait
from integrations.models import Store
from integrations.policy import What
from integrations.sync.applying import CLASHES
from integrations.sync.leases import Fenced
from logix.common.transactions import again_on
from orders.data import Authority
from webhooks import asking, claims, hints, verdicts
from webhooks import reading as things
from webhooks.asking import ORIGIN
from webhooks.claims import DATABASE_AWAY
from webhooks.models import Delivery
from webhooks.reading import Reading, read

log = structlog.get_logger(__name__)

_DONE, _NEW, _PARKED = Delivery.State.DONE, Delivery.State.NEW, Delivery.State.PARKED


def work(delivery: Delivery) -> bool:
    """Work one claimed delivery. False when its store had better be left alone for now."""
    store = delivery.store
    with structlog.contextvars.bound_contextvars(**request_id(delivery)):
        if given_up(delivery):
            return True
        try:
            with authentication.adapter_for(store) as adapter:
                reading = read(adapter.handle_webhook, delivery)
                if reading.problem or reading.says_nothing:
                    claims.release([verdicts.after(reading, set(), set(), timezone.now())])
                else:
                    apply_one(store, adapter, reading)
        except Fenced:
            log.warning("fenced", delivery=str(delivery.pk))
        except DATABASE_AWAY:
            raise
        except asking.NotThereYet as err:
            _release(delivery, _NEW, code=err.code, problem=str(err), delay_s=err.delay_s)
        except Exception as err:
            return settle_failure(delivery, err)
    return True


def apply_one(store: Store, adapter: BaseEcommerceIntegration, reading: Reading) -> None:
    """Payload first, then what only the store knows. Each turn is one transaction; the last one
    marks it done.
    """
    delivery = reading.delivery
    torn: set[things.Thing] = set()
    parked: set[things.Thing] = set()

    def apply_payload() -> None:
        torn.clear()
        parked.clear()
        if reading.orders:
            done = sync.apply_orders(
                store,
                reading.orders,
                authority=Authority.WEBHOOK,
                observed_at=delivery.received_at,
                origin=ORIGIN,
            )
            torn.update(things.orders(done.reread))
            parked.update(things.orders(done.parked))
        if store.is_stock_master:
            # Its figures become stock, so how old they are must be known: it is asked.
            torn.update(things.products(record.external_id for record in reading.products))
        elif reading.products:
            done = sync.apply_products(
                store, reading.products, observed_at=delivery.received_at, origin=ORIGIN
            )
            parked.update(things.products(done.parked))
        if delivery.outcome == verdicts.ASK_STORE:
            # Two payloads of one second disagreed. Orders show that again here, products do not.
            torn.update(things.products(record.external_id for record in reading.products))
        hints.pass_on(store.pk, reading)
        if not torn and not reading.needs_call:
            claims.settle([verdicts.after(reading, torn, parked, timezone.now())])

    again_on(*CLASHES)(apply_payload)
    questions = asking.questions(reading, torn)
    if not questions:
        return
    older = _same_subject(delivery)
    answers = [asking.ask(store, adapter, delivery, question) for question in questions]

    def apply_answers() -> None:
        outcome = "applied"
        set_aside: set[things.Thing] = set()
        problem = ""
        for answer in answers:
            outcome, aside, problem = answer.apply(store)
            set_aside |= aside
        row = verdicts.done(delivery, parked | set_aside, timezone.now())
        if row["outcome"] == "applied":
            row["outcome"] = outcome
        if problem:
            row["problem"] = problem
        claims.settle([row])
        # The answer is younger than all of these, so it says what they would have said.
        Delivery.objects.filter(pk__in=older, state=_NEW).update(
            state=_DONE, outcome="coalesced", done_at=Now()
        )

    again_on(*CLASHES)(apply_answers)


def _same_subject(delivery: Delivery) -> list[UUID]:
    """Waiting deliveries about the same thing that were here before the store is asked."""
    if not delivery.resource_id:
        return []
    same = Delivery.objects.filter(
        store_id=delivery.store_id,
        resource=delivery.resource,
        resource_id=delivery.resource_id,
        state=_NEW,
    )
    return list(same.values_list("pk", flat=True)[:500])


def given_up(delivery: Delivery) -> bool:
    """Park one that was tried often enough, with what was said last."""
    if delivery.attempts <= policy.MAX_ATTEMPTS + 1:
        return False
    sentence = f"This delivery kept failing, {delivery.attempts - 1} times."
    if delivery.problem:
        sentence += f" The last time: {delivery.problem}"
    _release(delivery, _PARKED, code=policy.TOO_MANY_ATTEMPTS, problem=sentence)
    return True


def settle_failure(delivery: Delivery, err: Exception) -> bool:
    """One table decides (``policy``). False when the next delivery of this store would meet the
    same answer.
    """
    decision = policy.decide(err, attempts=delivery.attempts)
    become = partial(_release, delivery, code=decision.code, problem=decision.sentence)
    if isinstance(err, PlatformError):
        authentication.note_failure(delivery.store, err)
    else:
        log.error(
            "delivery_failed",
            delivery=str(delivery.pk),
            store=str(delivery.store_id),
            exc_info=err,
        )
    if decision.what is What.MERCHANT and decision.delay_s is None:
        become(state=_PARKED, outcome=verdicts.WAITS_FOR_MERCHANT)
        return False
    if decision.delay_s is None:
        become(state=_PARKED)
        return True
    become(state=_NEW, delay_s=decision.delay_s, counts=decision.counts)
    if isinstance(err, Wait):
        later = _database_time() + timedelta(seconds=decision.delay_s)
        Delivery.objects.filter(
            store_id=delivery.store_id, state=_NEW, attempts__gt=0, next_at__lt=later
        ).update(next_at=later)
        return False
    return True


def _release(
    delivery: Delivery,
    state: str,
    *,
    outcome: str = "",
    code: str,
    problem: str,
    delay_s: float | None = None,
    counts: bool = True,
) -> None:
    now = _database_time()
    next_at = None if delay_s is None else now + timedelta(seconds=delay_s)
    claims.release(
        [
            claims.outcome(
                delivery,
                state,
                now=now,
                outcome=outcome or (delivery.outcome if state == _NEW else ""),
                code=code,
                problem=problem,
                next_at=next_at,
                counts=counts,
            )
        ]
    )


def _database_time() -> datetime:
    """Due times are the database's: a worker whose clock is wrong must not put work off by its
    error.
    """
    return Store.objects.annotate(clock=Now()).values_list("clock", flat=True)[:1].get()


def request_id(delivery: Delivery) -> dict[str, str]:
    return {"request_id": delivery.request_id} if delivery.request_id else {}
