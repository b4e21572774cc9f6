"""How gunicorn serves Logix. WEB_CONCURRENCY (processes), WEB_THREADS and BIND change numbers."""

from __future__ import annotations

import os
from typing import Any

wsgi_app = "logix.wsgi"
bind = os.environ.get("BIND", "127.0.0.1:8000")
worker_class = "gthread"
workers = int(os.environ.get("WEB_CONCURRENCY", "2"))
threads = int(os.environ.get("WEB_THREADS", "8"))
# The code is loaded once and shared by the processes.
preload_app = True
timeout = 30
graceful_timeout = 20
keepalive = 65  # longer than nginx keeps its connections, so it is never the one to be surprised
max_requests = 20_000
max_requests_jitter = 2_000
# Logix writes one line per request itself, without the query and without tokens.
accesslog = None
# Its own few lines go the way of all others: one formatter, JSON in production.
logconfig_dict = {
    "version": 1,
    "disable_existing_loggers": False,
    "root": {"level": "INFO", "handlers": []},
    "loggers": {
        "gunicorn.error": {"level": "INFO", "handlers": [], "propagate": True},
        "gunicorn.access": {"level": "CRITICAL", "handlers": [], "propagate": False},
    },
}
# A heartbeat file on a slow disk would get healthy processes killed.
_MEMORY = "/dev/shm"  # noqa: S108 - a file without a name, not one others could guess
worker_tmp_dir = _MEMORY if os.path.isdir(_MEMORY) else None
# Nobody talks to gunicorn but by signals.
control_socket_disable = True
limit_request_line = 4094
limit_request_field_size = 8190


def on_starting(_server: Any) -> None:
    """Refuse to serve with keys that do not open what is stored."""
    import django

    django.setup()
    from logix.checks import stop_on_errors

    stop_on_errors()
