"""One table says what follows from each error."""

from __future__ import annotations

import inspect

import pytest

from integrations import errors, policy
from integrations.policy import What

S = "A sentence."


@pytest.mark.parametrize(
    ("error", "what", "counts", "look_first", "stops_store"),
    [
        (errors.Wait(S), What.WAIT, True, False, False),
        (errors.Unavailable(S), What.WAIT, True, False, False),
        (errors.Unavailable(S, code="breaker_open"), What.WAIT, False, False, False),
        (errors.OutcomeUnknown(S), What.WAIT, True, True, False),
        (errors.RateLimited(S, retry_after_s=3), What.WAIT, False, False, False),
        (errors.AuthenticationFailed(S), What.MERCHANT, True, False, True),
        (errors.PermissionMissing(S), What.MERCHANT, True, False, False),
        (errors.Misconfigured(S), What.STAFF, True, False, False),
        (errors.Rejected(S), What.REFUSE, True, False, False),
        (errors.Rejected(S, code="cancelled_at_store"), What.REFUSE, True, False, False),
        (errors.Rejected(S, code="edited_at_store"), What.PARK, True, False, False),
        (errors.Rejected(S, code="address_changed_at_store"), What.PARK, True, False, False),
        (errors.NotFound(S), What.PARK, True, False, False),
        (errors.ContractBroken(S, path="$.id"), What.PARK, True, True, False),
        (errors.Unsupported(S), What.REFUSE, True, False, False),
        (KeyError("x"), What.WAIT, True, True, False),
    ],
)
def test_each_error_has_its_rule(
    error: Exception, what: What, counts: bool, look_first: bool, stops_store: bool
) -> None:
    decision = policy.decide(error)

    assert (decision.what, decision.counts, decision.look_first, decision.stops_store) == (
        what,
        counts,
        look_first,
        stops_store,
    )


@pytest.mark.parametrize(
    ("error", "hours"),
    [
        (errors.PermissionMissing(S), 6),
        (errors.Misconfigured(S), 1),
        (errors.ContractBroken(S), 1),
        (errors.AuthenticationFailed(S), None),
        (errors.Rejected(S), None),
        (errors.NotFound(S), None),
        (errors.Unsupported(S), None),
    ],
)
def test_what_may_be_mended_unseen_is_tried_again_after_hours(
    error: Exception, hours: int | None
) -> None:
    assert policy.decide(error).delay_s == (hours * 3600 if hours else None)


def test_every_error_of_the_tree_stands_in_the_table() -> None:
    tree = {
        kind
        for _, kind in inspect.getmembers(errors, inspect.isclass)
        if issubclass(kind, errors.PlatformError)
    }

    assert tree | {Exception} == set(policy.RULES)


def test_a_new_kind_of_error_follows_its_nearest_parent() -> None:
    class Throttled(errors.RateLimited):
        code = "throttled"

    decision = policy.decide(Throttled(S, retry_after_s=7))

    assert (decision.what, decision.delay_s, decision.code) == (What.WAIT, 7, "throttled")


def test_the_schedule_is_jittered_fully_and_lasts_three_days() -> None:
    full = [policy.next_delay_s(n, chance=lambda: 1.0) for n in range(1, 13)]

    assert full == list(policy.SCHEDULE_S)
    assert policy.next_delay_s(5, chance=lambda: 0.0) == 0.0
    assert policy.next_delay_s(99, chance=lambda: 1.0) == policy.SCHEDULE_S[-1]
    assert 70 * 3600 < sum(full) < 73 * 3600
    assert all(0 <= policy.next_delay_s(3) <= 30 for _ in range(100))


def test_what_the_store_asked_for_wins_upward_only() -> None:
    assert policy.next_delay_s(1, at_least_s=60) == 60
    assert policy.next_delay_s(5, at_least_s=1, chance=lambda: 1.0) == 600
    asked = errors.Unavailable(S, retry_after_s=45)
    assert (policy.decide(asked, attempts=1).delay_s or 0) == 45


def test_a_rate_limit_never_gives_up_and_a_failing_store_does() -> None:
    limited = policy.decide(errors.RateLimited(S, retry_after_s=9), attempts=500)
    down = policy.decide(errors.Unavailable(S), attempts=policy.MAX_ATTEMPTS)

    assert (limited.what, limited.delay_s) == (What.WAIT, 9)
    assert (down.what, down.code, down.delay_s) == (What.PARK, policy.TOO_MANY_ATTEMPTS, None)
    assert S in down.sentence


def test_a_broken_contract_says_where() -> None:
    decision = policy.decide(errors.ContractBroken("No total.", path="$.lines[2].total"))

    assert decision.sentence == "No total. ($.lines[2].total)"


def test_a_mistake_of_ours_does_not_tell_what_it_was_working_on() -> None:
    decision = policy.decide(ValueError("jane@buyers.example"))

    assert (decision.code, "jane" in decision.sentence) == (policy.INTERNAL_ERROR, False)
    assert "ValueError" in decision.sentence


@pytest.mark.parametrize(
    ("code", "what", "kept"),
    [
        ("unavailable", What.WAIT, "unavailable"),
        ("rate_limited", What.WAIT, "rate_limited"),
        ("not_found", What.PARK, "not_found"),
        ("stock_not_managed", What.REFUSE, "stock_not_managed"),
        ("", What.REFUSE, "rejected"),
    ],
)
def test_a_line_of_a_batch_is_judged_by_its_code(code: str, what: What, kept: str) -> None:
    decision = policy.decide_line(code, S)

    assert (decision.what, decision.code, decision.sentence) == (what, kept, S)


def test_dead_credentials_carry_one_code_whatever_the_detail() -> None:
    decision = policy.decide(errors.AuthenticationFailed(S, code="no_credentials"))

    assert decision.code == "authentication_failed"
