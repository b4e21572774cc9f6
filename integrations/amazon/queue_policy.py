"""Whether a queue's policy lets Amazon in. Pure.

Source: https://developer-docs.amazon.com/sp-api/docs/set-up-notifications-with-amazon-sqs and the
set-up in github.com/amzn/selling-partner-api-samples. Without it nothing is refused and no message
ever comes, so it is looked at here.
"""

from __future__ import annotations

import json
from fnmatch import fnmatchcase
from typing import Any

# The account from which Amazon writes, in every region.
AMAZON = "437568002678"
NEEDED = ("SQS:SendMessage", "SQS:GetQueueAttributes")
_ANYBODY = frozenset({"*", AMAZON, f"arn:aws:iam::{AMAZON}:root"})


def lacking(policy: str) -> tuple[str, ...]:
    """What Amazon needs and no statement allows. Conditions and denials are left to AWS."""
    try:
        document = json.loads(policy or "{}")
    except ValueError:
        return NEEDED
    statements = _listed(document.get("Statement")) if isinstance(document, dict) else []
    allowed = [
        action.lower()
        for statement in statements
        if isinstance(statement, dict) and _is_for_amazon(statement)
        for action in _listed(statement.get("Action"))
        if isinstance(action, str)
    ]
    return tuple(
        need for need in NEEDED if not any(fnmatchcase(need.lower(), one) for one in allowed)
    )


def _is_for_amazon(statement: dict[str, Any]) -> bool:
    principal = statement.get("Principal")
    named = principal.get("AWS") if isinstance(principal, dict) else principal
    return statement.get("Effect") == "Allow" and not _ANYBODY.isdisjoint(
        one for one in _listed(named) if isinstance(one, str)
    )


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]
