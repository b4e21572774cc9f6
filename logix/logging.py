"""Logs: one event a line, JSON in production and readable otherwise, secrets masked last of all.

Anything bound with ``structlog.contextvars`` (the request id, the task) is on every line of that
request or task.
"""

from __future__ import annotations

import logging.config
from typing import Any

import structlog

from logix.common.redact import redact_event


def _without_request(_logger: Any, _method: str, event: dict[str, Any]) -> dict[str, Any]:
    """Django hands over the whole request: path, query and all."""
    event.pop("request", None)
    event.pop("response", None)
    return event


_SHARED: list[Any] = [
    structlog.contextvars.merge_contextvars,
    structlog.stdlib.add_logger_name,
    structlog.stdlib.add_log_level,
    structlog.stdlib.ExtraAdder(),
    _without_request,
    structlog.processors.TimeStamper(fmt="iso", utc=True),
]

# Without the values of local variables: a frame may hold a buyer's address or a key.
_TRACEBACKS = structlog.processors.ExceptionRenderer(
    structlog.tracebacks.ExceptionDictTransformer(show_locals=False)
)

# Loggers that say too much at INFO.
_QUIET = {
    # Refusals are on the request's own line; here they would repeat the path, and tokens with it.
    "django.request": "ERROR",
    "celery.beat": "WARNING",
    "celery.app.trace": "WARNING",
    "celery.worker.strategy": "WARNING",
    "django_celery_beat": "WARNING",
    # Their DEBUG lines hold the key and the signature of every signed call.
    "oauthlib": "WARNING",
    "requests_oauthlib": "WARNING",
    # Likewise of calls to AWS, and the messages that lie in a queue.
    "boto3": "WARNING",
    "botocore": "WARNING",
    "urllib3": "WARNING",
    "werkzeug": "WARNING",
    "amqp": "WARNING",
    "kombu": "WARNING",
}


def configuration(*, json: bool, level: str) -> dict[str, Any]:
    """A ``logging.config`` dictionary: everything to standard error through one redacting
    formatter.
    """
    renderer: list[Any] = (
        [_TRACEBACKS, redact_event, structlog.processors.JSONRenderer()]
        if json
        else [
            structlog.processors.format_exc_info,
            redact_event,
            structlog.dev.ConsoleRenderer(colors=False, pad_event_to=0),
        ]
    )
    return {
        "version": 1,
        "disable_existing_loggers": False,
        "formatters": {
            "events": {
                "()": structlog.stdlib.ProcessorFormatter,
                "foreign_pre_chain": _SHARED,
                "processors": [
                    structlog.stdlib.ProcessorFormatter.remove_processors_meta,
                    *renderer,
                ],
            }
        },
        "handlers": {"stderr": {"class": "logging.StreamHandler", "formatter": "events"}},
        "root": {"handlers": ["stderr"], "level": level},
        "loggers": {name: {"level": quiet} for name, quiet in _QUIET.items()},
    }


# One list for good: loggers keep the one they were first used with.
_PROCESSORS = [
    structlog.stdlib.filter_by_level,
    *_SHARED,
    structlog.stdlib.PositionalArgumentsFormatter(),
    structlog.processors.StackInfoRenderer(),
    structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
]


def configure(config: dict[str, Any]) -> None:
    """Django's LOGGING_CONFIG: the standard library and structlog end in the same formatter."""
    logging.config.dictConfig(config)
    structlog.configure(
        processors=_PROCESSORS,
        wrapper_class=structlog.stdlib.BoundLogger,
        logger_factory=structlog.stdlib.LoggerFactory(),
        cache_logger_on_first_use=True,
    )
