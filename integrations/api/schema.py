"""What the OpenAPI description says of every operation: its tag, its refusals, the idempotency
header.
"""

from __future__ import annotations

from typing import Any

from drf_spectacular.openapi import AutoSchema
from drf_spectacular.utils import OpenApiParameter

from integrations.api.errors import CONTENT_TYPE, TITLES, ProblemSerializer

_IDEMPOTENCY_KEY = OpenApiParameter(
    "Idempotency-Key",
    str,
    OpenApiParameter.HEADER,
    description="Any unique text. The same request sent again under it is done once and answered "
    "with the first answer, for seven days.",
)
_WRITES = ("POST", "PUT", "PATCH", "DELETE")
_READ_REFUSALS = (400, 401, 403, 429)
_WRITE_REFUSALS = (400, 401, 403, 409, 422, 429)
_PUBLIC_REFUSALS = (400, 429)


class ApiSchema(AutoSchema):
    def get_tags(self) -> list[str]:
        return [getattr(self.view, "tag", "Other")]

    def get_description(self) -> str:  # type: ignore[override]  # as AutoSchema has it
        """What ``extend_schema`` says; docstrings of views speak to developers of the hub."""
        return ""

    def get_override_parameters(self) -> list[Any]:
        return [_IDEMPOTENCY_KEY] if self.method in _WRITES and self._needs_token() else []

    def map_parsers(self) -> list[str]:
        """Any Content-Type is understood, this one is meant."""
        return ["application/json"]

    def _needs_token(self) -> bool:
        return bool(self.view.authentication_classes)

    def _get_response_bodies(self, direction: Any = "response") -> dict[str, Any]:
        bodies: dict[str, Any] = super()._get_response_bodies(direction)
        for status in self._refusals():
            bodies.setdefault(str(status), self._refusal(status))
        return dict(sorted(bodies.items()))

    def _refusals(self) -> list[int]:
        if not self._needs_token():
            return list(_PUBLIC_REFUSALS)
        found = list(_WRITE_REFUSALS if self.method in _WRITES else _READ_REFUSALS)
        if "{" in self.path:
            found.append(404)
        if getattr(self.view, "action", "") in getattr(self.view, "talks_to_store", ()):
            found += [502, 503]
        return found

    def _refusal(self, status: int) -> dict[str, Any]:
        problem = self.resolve_serializer(ProblemSerializer, "response")
        return {
            "description": TITLES[status],
            "content": {CONTENT_TYPE: {"schema": problem.ref}},
        }
