"""What AWS says when it refuses, by who must act. None of it stops the seller account."""

from __future__ import annotations

import pytest

from integrations import policy
from integrations.amazon.queue import _refusal
from integrations.errors import (
    Misconfigured,
    PermissionMissing,
    PlatformError,
    RateLimited,
    Unavailable,
)


@pytest.mark.parametrize(
    ("code", "status", "kind", "word"),
    [
        ("InvalidClientTokenId", 403, PermissionMissing, "access key"),
        ("SignatureDoesNotMatch", 403, PermissionMissing, "access key"),
        ("AccessDenied", 403, PermissionMissing, "sqs:ReceiveMessage"),
        ("AccessDeniedException", 400, PermissionMissing, "sqs:DeleteMessage"),
        ("KMS.AccessDeniedException", 400, PermissionMissing, "kms:Decrypt"),
        ("KmsAccessDenied", 400, PermissionMissing, "kms:Decrypt"),
        ("AWS.SimpleQueueService.NonExistentQueue", 400, Misconfigured, "no such queue"),
        ("QueueDoesNotExist", 400, Misconfigured, "no such queue"),
        ("RequestThrottled", 403, RateLimited, "fewer calls"),
        ("OverLimit", 403, RateLimited, "fewer calls"),
        ("InternalError", 500, Unavailable, "does not answer"),
        ("SomethingNew", 400, Misconfigured, "SomethingNew"),
        ("", 400, Misconfigured, "without a reason"),
    ],
)
def test_each_refusal_names_who_must_act(
    code: str, status: int, kind: type[PlatformError], word: str
) -> None:
    response = {"Error": {"Code": code}, "ResponseMetadata": {"HTTPStatusCode": status}}

    err = _refusal(response)

    assert type(err) is kind
    assert word in str(err)
    assert not policy.rule_for(err).stops_store
