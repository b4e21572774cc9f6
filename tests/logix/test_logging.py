"""What a log line looks like, and what never stands in one."""

from __future__ import annotations

import io
import json
import logging
import logging.config
from typing import Any

import pytest
import structlog
from django.conf import settings
from structlog.testing import capture_logs

from logix import logging as hub_logging


def written(*, as_json: bool, **event: Any) -> str:
    """One event through the real formatter."""
    config = hub_logging.configuration(json=as_json, level="INFO")
    formatter = logging.config.DictConfigurator(config).configure_formatter(
        config["formatters"]["events"]
    )
    stream = io.StringIO()
    handler = logging.StreamHandler(stream)
    handler.setFormatter(formatter)
    logger = logging.Logger("logix.test")  # noqa: LOG001 - one that no other test can see
    logger.addHandler(handler)
    structlog.wrap_logger(
        logger,
        processors=[
            structlog.contextvars.merge_contextvars,
            structlog.stdlib.add_log_level,
            structlog.stdlib.ProcessorFormatter.wrap_for_formatter,
        ],
        wrapper_class=structlog.stdlib.BoundLogger,
    ).info("call", **event)
    return stream.getvalue()


def test_a_production_line_is_one_json_object_with_the_request_id() -> None:
    structlog.contextvars.bind_contextvars(request_id="caller-0001")

    line = json.loads(written(as_json=True, store="Shop", status=200))

    assert line["event"] == "call"
    assert (line["store"], line["status"], line["level"]) == ("Shop", 200, "info")
    assert line["request_id"] == "caller-0001"


@pytest.mark.parametrize("as_json", [True, False])
@pytest.mark.parametrize(
    "event",
    [
        {"consumer_secret": "cs_0123456789abcdef"},
        {"headers": {"Authorization": "Basic Y2tfMDEyOmNzXzAxMg=="}},
        {"url": "https://shop.example/orders?consumer_key=ck_0123456789abcdef"},
        {"message": "refused: token=shpat_0123456789abcdef"},
        {"nested": [{"access_token": "Atza|0123456789abcdef"}]},
        {"message": "Not Found: /api/v1/woocommerce/webhooks/receive/0123456789abcdef"},
        {"broker": "amqp://logix:0123456789abcdef@broker/v"},
    ],
)
def test_a_secret_never_reaches_a_line(as_json: bool, event: dict[str, Any]) -> None:
    line = written(as_json=as_json, **event)

    assert "0123456789abcdef" not in line
    assert "Y2tfMDEy" not in line
    assert "***" in line


def test_a_traceback_is_redacted_too() -> None:
    try:
        raise ValueError("refused with consumer_secret=cs_0123456789abcdef")
    except ValueError:
        line = written(as_json=True, exc_info=True)

    assert "ValueError" in line
    assert "cs_0123456789abcdef" not in line
    assert "locals" not in line


def test_configuring_again_reaches_the_loggers_that_are_in_use() -> None:
    """``django.setup`` may run twice in a process, as it does under gunicorn."""
    log = structlog.get_logger("tests.configured_again")
    log.debug("first use")

    hub_logging.configure(settings.LOGGING)

    with capture_logs() as lines:
        log.info("heard")
    assert [line["event"] for line in lines] == ["heard"]
