"""The seller's own queue at AWS (SQS): looked at, read, and rid of what was taken. The one file
that knows boto3, which the extra ``amazon`` installs.

Only the key that was entered with the queue is used, never one that this machine may have: whoever
enters a queue here must be able to read it himself. Source:
https://docs.aws.amazon.com/AWSSimpleQueueService/latest/APIReference/
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import lru_cache
from typing import Any
from urllib.parse import urlsplit

from integrations.amazon import notifications, queue_policy
from integrations.base import QueuedNews
from integrations.errors import (
    Misconfigured,
    PermissionMissing,
    PlatformError,
    RateLimited,
    Unavailable,
)
from integrations.events import RawDelivery
from integrations.kit.ssrf import AddressGuard

# As many as one call gives.
_MOST = 10
# Longer than taking them in and deleting them lasts; whoever dies in between gets them again.
_HIDDEN_S = 120
_CONNECT_S, _READ_S = 3, 10
# AWS tells no time to wait.
_REST_S = 5.0
# Queues on this machine live in the region that simulators have unless they are told another.
_HERE = "us-east-1"

_ACTIONS = "sqs:GetQueueAttributes, sqs:ReceiveMessage and sqs:DeleteMessage"
_NO_KEY = (
    "AWS does not accept the access key of the queue. Copy its ID and its secret again, and enter "
    "both with the keys of the store."
)
_DENIED = f"AWS does not let the access key use the queue. Allow its IAM user {_ACTIONS} there."
_ENCRYPTED = (
    "The queue is encrypted with a key of your own that the access key may not use. Allow its IAM "
    "user kms:Decrypt, or encrypt the queue with SQS's own key."
)
_NO_QUEUE = "AWS knows no such queue. Check its name, its region and its account."
_POLICY = (
    "Amazon may not write into the queue. In the queue's access policy allow the account "
    f"{queue_policy.AMAZON} {{}}."
)
_NO_BOTO = (
    "This hub lacks boto3, with which queues at AWS are read. Install it beside Logix: "
    "pip install --require-hashes -r requirements/amazon.txt."
)
_NOT_BEGUN = (
    "boto3 does not begin with the AWS settings of this machine ({}). Mend its AWS configuration "
    "file and the variables that begin with AWS_, or do without them: Logix needs none."
)
# The last part of AWS's code → who must act.
_REFUSALS: Mapping[str, tuple[type[PlatformError], str, str]] = {
    **dict.fromkeys(
        (
            "InvalidClientTokenId",
            "UnrecognizedClientException",
            "InvalidAccessKeyId",
            "SignatureDoesNotMatch",
            "InvalidSignatureException",
            "IncompleteSignature",
            "InvalidSecurity",
            "ExpiredToken",
            "ExpiredTokenException",
            "OptInRequired",
        ),
        (PermissionMissing, "queue_key_refused", _NO_KEY),
    ),
    **dict.fromkeys(
        ("AccessDenied", "AccessDeniedException"), (PermissionMissing, "queue_denied", _DENIED)
    ),
    **dict.fromkeys(
        ("NonExistentQueue", "QueueDoesNotExist", "InvalidAddress"),
        (Misconfigured, "no_queue", _NO_QUEUE),
    ),
}
_THROTTLED = frozenset(
    {"Throttling", "ThrottlingException", "RequestThrottled", "RequestLimitExceeded", "OverLimit"}
)


@dataclass(frozen=True, slots=True)
class Address:
    """Where a queue is, and the key that opens it."""

    url: str
    region: str
    key_id: str = field(repr=False)
    secret: str = field(repr=False)

    @classmethod
    def of(cls, values: Mapping[str, str]) -> Address:
        """From the credentials of the card, which their patterns let through."""
        typed = values["queue"]
        url, region = typed, _HERE
        if typed.startswith("arn:"):
            region, account, name = typed.split(":")[3:]
            url = f"https://sqs.{region}.amazonaws.com/{account}/{name}"
        elif typed.startswith("https:"):
            region = typed.split(".")[1]
        return cls(url, region, values["aws_access_key_id"], values["aws_secret_access_key"])

    @property
    def arn(self) -> str:
        account, name = urlsplit(self.url).path.strip("/").split("/")
        return f"arn:aws:sqs:{self.region}:{account}:{name}"

    @property
    def endpoint(self) -> str:
        parts = urlsplit(self.url)
        return f"{parts.scheme}://{parts.netloc}"


class Queue:
    """Raises PermissionMissing, Misconfigured, Unavailable or RateLimited. None of them says
    anything about the seller account, whose own keys are others.
    """

    def __init__(self, address: Address, guard: AddressGuard) -> None:
        self._address = address
        self._guard = guard

    @property
    def arn(self) -> str:
        return self._address.arn

    def check(self) -> None:
        """That it is there, that the key opens it, and that Amazon may write into it."""
        told = self._call("get_queue_attributes", AttributeNames=["QueueArn", "Policy"])
        if lacking := queue_policy.lacking(told.get("Attributes", {}).get("Policy", "")):
            words = _POLICY.format(" and ".join(lacking))
            raise PermissionMissing(words, code="queue_policy")

    def receive(self, *, wait_s: float) -> list[QueuedNews]:
        told = self._call(
            "receive_message",
            MaxNumberOfMessages=_MOST,
            WaitTimeSeconds=round(wait_s),
            VisibilityTimeout=_HIDDEN_S,
        )
        return [_news(message) for message in told.get("Messages", ())]

    def delete(self, receipts: Sequence[str]) -> None:
        """What AWS does not delete this time comes again and is deleted then."""
        for start in range(0, len(receipts), _MOST):
            some = receipts[start : start + _MOST]
            entries = [{"Id": str(n), "ReceiptHandle": one} for n, one in enumerate(some)]
            self._call("delete_message_batch", Entries=entries)

    def _call(self, operation: str, **asked: Any) -> Mapping[str, Any]:
        self._guard.check_url(self._address.endpoint)
        client = _client(self._address)
        from botocore.exceptions import BotoCoreError, ClientError

        try:
            answer: Mapping[str, Any] = getattr(client, operation)(
                QueueUrl=self._address.url, **asked
            )
        except ClientError as err:
            raise _refusal(err.response) from err
        except BotoCoreError as err:
            host = urlsplit(self._address.url).hostname
            raise Unavailable(
                f"The queue at {host} did not answer properly ({type(err).__name__}). Look whether "
                "its region is right and this hub may call AWS.",
                code="queue_unavailable",
            ) from err
        return answer


@lru_cache(maxsize=32)
def _client(address: Address) -> Any:
    """One for each queue and key, kept: making one reads megabytes of descriptions. Threads may
    share it. Raises Misconfigured without boto3, and where it does not begin.
    """
    try:
        from boto3.session import Session
        from botocore.config import Config
        from botocore.exceptions import BotoCoreError
    except ImportError as err:
        raise Misconfigured(_NO_BOTO, code="no_boto3") from err
    settings = Config(
        connect_timeout=_CONNECT_S,
        read_timeout=_READ_S,
        retries={"mode": "standard", "total_max_attempts": 2},
        proxies={},
    )
    try:
        session = Session(
            aws_access_key_id=address.key_id,
            aws_secret_access_key=address.secret,
            region_name=address.region,
        )
        return session.client("sqs", endpoint_url=address.endpoint, config=settings)
    except BotoCoreError as err:
        raise Misconfigured(_NOT_BEGUN.format(type(err).__name__), code="aws_settings") from err


def _news(message: Mapping[str, Any]) -> QueuedNews:
    body = str(message.get("Body", "")).encode("utf-8", "surrogatepass")
    topic, _ = notifications.told(body)
    return QueuedNews(
        receipt=str(message["ReceiptHandle"]), delivery=RawDelivery(topic=topic, body=body)
    )


def _refusal(response: Mapping[str, Any]) -> PlatformError:
    code = str(response.get("Error", {}).get("Code", ""))
    status = response.get("ResponseMetadata", {}).get("HTTPStatusCode")
    last = code.rpartition(".")[2]
    if code.upper().startswith("KMS"):
        return PermissionMissing(_ENCRYPTED, code="queue_encrypted", status=status)
    if last in _THROTTLED:
        words = "AWS asked for fewer calls to the queue."
        return RateLimited(words, retry_after_s=_REST_S, status=status)
    if last in _REFUSALS:
        kind, own, sentence = _REFUSALS[last]
        return kind(sentence, code=own, status=status)
    if isinstance(status, int) and status >= 500:
        words = "The queue at AWS does not answer properly at the moment."
        return Unavailable(words, code="queue_unavailable", status=status)
    words = f"AWS refused a call to the queue ({last[:60] or 'without a reason'})."
    return Misconfigured(words, code="queue_refused", status=status)
