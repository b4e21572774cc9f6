"""The product's settings over a throw-away data folder.

``TEST_DATABASE_URL`` and ``TEST_BROKER_URL`` choose PostgreSQL, RabbitMQ or Redis; without them the
suite needs no service. ``TEST_DATABASE_TEMPLATE`` names a migrated database of that PostgreSQL, for
the test processes to copy.
"""

from __future__ import annotations

import atexit
import os
import shutil
import tempfile

_folder = tempfile.mkdtemp(prefix="logix-tests-")
atexit.register(shutil.rmtree, _folder, ignore_errors=True)

# The suite chooses its own surroundings, whatever the shell or an .env file of the developer says.
_FOREIGN = (
    "DATABASE_URL",
    "CELERY_BROKER_URL",
    "REDIS_URL",
    "ALLOWED_HOSTS",
    "DEBUG",
    "SECRET_KEY",
)
_OURS = ("LOGIX_SHARED", "LOGIX_TEST_", "LOGIX_SCREENSHOTS", "LOGIX_CHROMIUM")
for _name in [*os.environ]:
    if _name in _FOREIGN or (_name.startswith("LOGIX_") and not _name.startswith(_OURS)):
        del os.environ[_name]
os.environ |= {
    "LOGIX_ENV": "embedded",
    "LOGIX_ENV_FILE": "",
    "LOGIX_DATA": _folder,
    "LOGIX_PUBLIC_URL": "http://127.0.0.1:8000",
    "LOGIX_LOG_LEVEL": "WARNING",
}
if "TEST_DATABASE_URL" in os.environ:
    os.environ["DATABASE_URL"] = os.environ["TEST_DATABASE_URL"]
if "TEST_BROKER_URL" in os.environ:
    os.environ["CELERY_BROKER_URL"] = os.environ["TEST_BROKER_URL"]

from logix.settings import *  # noqa: E402, F403
from logix.settings import DATABASES  # noqa: E402 - named, so that linters see it

if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    # A file, as in the product. In the shared memory Django would choose, two writers collide at
    # once ("database table is locked") instead of waiting for each other.
    DATABASES["default"]["TEST"] = {"NAME": os.path.join(_folder, "test.sqlite3")}
elif "TEST_DATABASE_TEMPLATE" in os.environ:
    DATABASES["default"]["TEST"] = {"TEMPLATE": os.environ["TEST_DATABASE_TEMPLATE"]}

ALLOWED_HOSTS = ["testserver", "127.0.0.1", "localhost", "[::1]"]
# Argon2 is slow on purpose; the tests that make users need no protection.
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
# Parallel test processes share nothing, not even a Redis.
CACHES = {"default": {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}}
LOGIX_LIMITER_URL = ""
WHITENOISE_USE_FINDERS = False
