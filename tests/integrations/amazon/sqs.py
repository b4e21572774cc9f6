"""A server that speaks SQS, in a process of its own, and a queue there as a seller sets it up."""

from __future__ import annotations

import importlib.util
import json
import os
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import dataclass
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

import pytest

ACCOUNT, REGION = "123456789012", "us-east-1"
AMAZON = "437568002678"
KEY = {
    "aws_access_key_id": "AKIATESTTESTTESTTEST",
    "aws_secret_access_key": "test/test+test/test+test/test+test/test+",
}
_BEGINS_WITHIN_S = 30.0


@dataclass(frozen=True)
class Sqs:
    """The server, and queues in it. Asked by hand, so that it owes nothing to what is tested."""

    url: str

    def make(self, name: str, *, policy: dict[str, Any] | None = None) -> Queue:
        """With the policy that Amazon asks for, unless another is given."""
        arn = f"arn:aws:sqs:{REGION}:{ACCOUNT}:{name}"
        attributes = {"Policy": json.dumps(allowing(arn) if policy is None else policy)}
        if policy == {}:
            attributes = {}
        self.ask("CreateQueue", QueueName=name, Attributes=attributes)
        return Queue(self, name, arn)

    def ask(self, action: str, **asked: Any) -> Any:
        line = HTTPConnection(urlsplit(self.url).netloc, timeout=10)
        headers = {
            "Content-Type": "application/x-amz-json-1.0",
            "X-Amz-Target": f"AmazonSQS.{action}",
            "Authorization": f"AWS4-HMAC-SHA256 Credential=T/20260101/{REGION}/sqs/aws4_request, "
            "SignedHeaders=host, Signature=0",
        }
        try:
            line.request("POST", "/", json.dumps(asked), headers)
            answer = line.getresponse()
            told = json.loads(answer.read() or b"{}")
        finally:
            line.close()
        assert answer.status == 200, told
        return told


@dataclass(frozen=True)
class Queue:
    sqs: Sqs
    name: str
    arn: str

    @property
    def url(self) -> str:
        return f"{self.sqs.url}/{ACCOUNT}/{self.name}"

    @property
    def credentials(self) -> dict[str, str]:
        return {"queue": self.url, **KEY}

    def put(self, body: str) -> None:
        self.sqs.ask("SendMessage", QueueUrl=self.url, MessageBody=body)

    def allow(self, policy: dict[str, Any]) -> None:
        self.sqs.ask(
            "SetQueueAttributes", QueueUrl=self.url, Attributes={"Policy": json.dumps(policy)}
        )

    def drop(self) -> None:
        self.sqs.ask("DeleteQueue", QueueUrl=self.url)

    def waiting(self) -> int:
        """Messages in it, those under way included."""
        names = ["ApproximateNumberOfMessages", "ApproximateNumberOfMessagesNotVisible"]
        told = self.sqs.ask("GetQueueAttributes", QueueUrl=self.url, AttributeNames=names)
        return sum(int(told["Attributes"][name]) for name in names)

    def look(self) -> list[dict[str, Any]]:
        """What is in it, left in it."""
        told = self.sqs.ask(
            "ReceiveMessage", QueueUrl=self.url, MaxNumberOfMessages=10, VisibilityTimeout=0
        )
        return [json.loads(one["Body"]) for one in told.get("Messages", ())]


def allowing(arn: str, *actions: str, account: str = AMAZON) -> dict[str, Any]:
    return {
        "Version": "2012-10-17",
        "Statement": [
            {
                "Effect": "Allow",
                "Principal": {"AWS": f"arn:aws:iam::{account}:root"},
                "Action": list(actions or ("SQS:SendMessage", "SQS:GetQueueAttributes")),
                "Resource": arn,
            }
        ],
    }


@pytest.fixture(scope="session")
def sqs() -> Iterator[Sqs]:
    """moto's server. Skipped where the group ``sqs`` is not installed; in CI, that fails."""
    if any(importlib.util.find_spec(name) is None for name in ("boto3", "moto")):
        words = "boto3 and moto are not installed: make .venv/.sqs"
        if os.environ.get("CI") == "true":
            pytest.fail(words)
        pytest.skip(words)
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    command = [sys.executable, "-m", "moto.server", "-H", "127.0.0.1", "-p", str(port)]
    quiet: dict[str, Any] = {"stdout": subprocess.DEVNULL, "stderr": subprocess.DEVNULL}
    with subprocess.Popen(command, **quiet) as process:
        try:
            _await(process, port)
            yield Sqs(f"http://127.0.0.1:{port}")
        finally:
            process.terminate()


def _await(process: subprocess.Popen[Any], port: int) -> None:
    until = time.monotonic() + _BEGINS_WITHIN_S
    while time.monotonic() < until and process.poll() is None:
        try:
            socket.create_connection(("127.0.0.1", port), timeout=1).close()
        except OSError:
            time.sleep(0.05)
        else:
            return
    pytest.fail("moto's server did not begin to answer.")
