"""What adapters and their kit need of the house's redaction; one list of patterns serves both."""

from __future__ import annotations

from logix.common.redact import MASK, Pii, Secret, redact, redact_event, redact_told

__all__ = ["MASK", "Pii", "Secret", "redact", "redact_event", "redact_told"]
