"""Building blocks of bodies and queries: strict about names, forgiving about spelling, documented
by themselves.
"""

from __future__ import annotations

from collections.abc import Iterable
from datetime import datetime
from typing import Any

from drf_spectacular.types import OpenApiTypes
from drf_spectacular.utils import extend_schema_field
from rest_framework import serializers

# An answer must not outgrow the nonsense it refuses.
_MOST_UNKNOWN = 20
_LONGEST_NAME = 60


class Strict(serializers.Serializer[Any]):
    """Refuses names it does not know: a misspelt field must not pass for an absent one. Of each
    pair in ``either`` exactly one has to be given; what is missing is told all at once.
    """

    either: tuple[tuple[str, str], ...] = ()

    def to_internal_value(self, data: Any) -> Any:
        if not isinstance(data, dict):
            return super().to_internal_value(data)
        if unknown := set(data) - set(self.fields):
            raise serializers.ValidationError(self._unknown(unknown))
        wrong = self._not_one(data)
        try:
            values = super().to_internal_value(data)
        except serializers.ValidationError as err:
            if not wrong or not isinstance(err.detail, dict):
                raise
            raise serializers.ValidationError({**err.detail, **wrong}) from err
        if wrong:
            raise serializers.ValidationError(wrong)
        return values

    def _unknown(self, names: Iterable[str]) -> dict[str, serializers.ErrorDetail]:
        known = ", ".join(name for name, f in self.fields.items() if not f.read_only)
        why = f"is none of: {known}" if known else "means nothing here"
        return {
            name: serializers.ErrorDetail(f"Unknown. “{name[:_LONGEST_NAME]}” {why}.", "unknown")
            for name in sorted(names)[:_MOST_UNKNOWN]
        }

    def _not_one(self, data: dict[str, Any]) -> dict[str, list[serializers.ErrorDetail]]:
        told = [
            serializers.ErrorDetail(f"Give either {one} or {other}.", f"{one}_or_{other}")
            for one, other in self.either
            if (one in data) == (other in data)
        ]
        return {"non_field_errors": told} if told else {}


class Query(Strict):
    """The filters of a list. All are optional; an unknown one is refused."""


class When(serializers.DateTimeField):
    """RFC 3339; a ``+`` that a query string turned into a blank is understood."""

    def to_internal_value(self, value: Any) -> datetime:
        if isinstance(value, str) and "T" in value:
            value = value.strip().replace(" ", "+")
        return super().to_internal_value(value)


@extend_schema_field(OpenApiTypes.STR)
class Words(serializers.Field[Any, Any, Any, Any]):
    """One or more words of a fixed vocabulary, separated by commas."""

    default_error_messages = {"unknown": "“{word}” is none of: {known}."}

    def __init__(self, vocabulary: Iterable[str], **options: Any) -> None:
        self.vocabulary = tuple(str(word) for word in vocabulary)
        options.setdefault("help_text", f"One or more of: {', '.join(self.vocabulary)}.")
        options.setdefault("required", False)
        super().__init__(**options)

    def to_internal_value(self, data: Any) -> list[str]:
        words = [word.strip() for word in str(data).split(",") if word.strip()]
        for word in words:
            if word not in self.vocabulary:
                self.fail("unknown", word=word[:40], known=", ".join(self.vocabulary))
        return words

    def to_representation(self, value: Any) -> Any:
        return value


class Anything(serializers.JSONField):
    """Any JSON value, null too. ``allow_null`` would describe null twice, as one of two that both
    match.
    """

    def run_validation(self, data: Any = serializers.empty) -> Any:
        return None if data is None else super().run_validation(data)


@extend_schema_field(OpenApiTypes.STR)
class Money(serializers.CharField):
    """For descriptions: amounts are text, so that no client reads them as binary fractions."""

    def __init__(self, **options: Any) -> None:
        options.setdefault("help_text", "Decimal number as text, in the order's currency.")
        super().__init__(**options)
