"""The settings, read from the environment. ``deploy/env.sample`` explains every name a production
hub sets.

``LOGIX_ENV=embedded`` (the default) needs nothing: SQLite, a broker made of files and self-made
secrets, all under ``LOGIX_DATA``. ``LOGIX_ENV=production`` refuses to start while anything it needs
is missing or weak.
"""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any

from django.templatetags.static import static

from logix import broker, environment, logging

ROOT = Path(__file__).resolve().parent.parent

env = environment.load(ROOT)

LOGIX_ENV: str = env.str("LOGIX_ENV", default=environment.EMBEDDED)
LOGIX_DATA = Path(env.str("LOGIX_DATA", default=str(ROOT / "var"))).absolute()
LOGIX_VERSION: str = tomllib.loads((ROOT / "pyproject.toml").read_text())["project"]["version"]
PRODUCTION = environment.is_production(LOGIX_ENV)

if PRODUCTION:
    environment.refuse_weak_production(env)
    own: dict[str, str] = {}
else:
    own = environment.own_secrets(LOGIX_DATA)

DEBUG: bool = env.bool("DEBUG", default=False) and not PRODUCTION

# --- Secrets --------------------------------------------------------------------------------------

SECRET_KEY: str = env.str("SECRET_KEY", default=own.get("SECRET_KEY"))
SECRET_KEY_FALLBACKS: list[str] = env.list("SECRET_KEY_FALLBACKS", default=[])
LOGIX_KEYS: str = env.str("LOGIX_KEYS", default=own.get("LOGIX_KEYS"))
LOGIX_PEPPER: str = env.str("LOGIX_PEPPER", default=own.get("LOGIX_PEPPER"))
LOGIX_METRICS_TOKEN: str = env.str("LOGIX_METRICS_TOKEN", default="")
LOGIX_OAUTH_APPS: dict[str, str] = environment.oauth_apps(env)
LOGIX_APPLICATIONS: dict[str, str] = environment.application_ids(env)

# --- Where the hub is, and whom it may talk to ----------------------------------------------------

ALLOWED_HOSTS: list[str] = env.list("ALLOWED_HOSTS", default=["127.0.0.1", "localhost", "[::1]"])
LOGIX_PUBLIC_URL: str = env.str("LOGIX_PUBLIC_URL", default="http://127.0.0.1:8000").rstrip("/")
CSRF_TRUSTED_ORIGINS: list[str] = env.list("CSRF_TRUSTED_ORIGINS", default=[LOGIX_PUBLIC_URL])
LOGIX_ALLOW_CIDRS: list[str] = env.list("LOGIX_ALLOW_CIDRS", default=[])
LOGIX_ALLOW_LOOPBACK_STORES: bool = env.bool("LOGIX_ALLOW_LOOPBACK_STORES", default=not PRODUCTION)
# A proxy in front that ends TLS, sets X-Forwarded-Proto and X-Forwarded-For, and drops what callers
# send under them.
LOGIX_BEHIND_PROXY: bool = env.bool("LOGIX_BEHIND_PROXY", default=False)

# --- Applications ---------------------------------------------------------------------------------

INSTALLED_APPS = [
    "unfold",
    "unfold.contrib.filters",
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.sessions",
    "django.contrib.messages",
    "django.contrib.staticfiles",
    "django_celery_beat",
    "rest_framework",
    "django_filters",
    "drf_spectacular",
    "drf_spectacular_sidecar",
    "logix.common.apps.CommonConfig",
    "logix.accounts.apps.AccountsConfig",
    "inventory.apps.InventoryConfig",
    "orders.apps.OrdersConfig",
    "integrations.apps.IntegrationsConfig",
    "webhooks.apps.WebhooksConfig",
]
MIDDLEWARE = [
    "logix.middleware.RequestIdMiddleware",
    "logix.middleware.LengthMiddleware",
    "logix.middleware.PlainHttpMiddleware",
    "logix.middleware.WebhookMiddleware",
    "django.middleware.security.SecurityMiddleware",
    "whitenoise.middleware.WhiteNoiseMiddleware",
    "logix.middleware.ContentSecurityPolicyMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "logix.middleware.SlashMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
]
ROOT_URLCONF = "logix.urls"
WSGI_APPLICATION = "logix.wsgi.application"
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "DIRS": [ROOT / "templates"],
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"

# --- Database and cache ---------------------------------------------------------------------------

DATABASES: dict[str, dict[str, Any]] = {
    "default": env.db_url("DATABASE_URL", default=f"sqlite:///{LOGIX_DATA / 'logix.sqlite3'}")
}
if DATABASES["default"]["ENGINE"].endswith("sqlite3"):
    # Every transaction takes the write lock at its start: two that read first and write later would
    # otherwise end in "database is locked" at once, without waiting.
    DATABASES["default"]["OPTIONS"] = {
        "transaction_mode": "IMMEDIATE",
        "timeout": 20,
        "init_command": "PRAGMA journal_mode=WAL;PRAGMA synchronous=FULL;PRAGMA foreign_keys=ON",
    }
else:
    # A database machine that vanishes without a word is noticed within half a minute.
    DATABASES["default"]["OPTIONS"] = {
        "connect_timeout": 5,
        "keepalives_idle": 10,
        "keepalives_interval": 5,
        "keepalives_count": 3,
        "tcp_user_timeout": 30_000,
        **DATABASES["default"].get("OPTIONS", {}),
    }

DATABASES["default"] |= {"CONN_MAX_AGE": 60, "CONN_HEALTH_CHECKS": True}

CELERY_BROKER_URL: str = env.str("CELERY_BROKER_URL", default=broker.EMBEDDED_URL)
REDIS_URL: str = env.str("REDIS_URL", default=broker.redis_or_nothing(CELERY_BROKER_URL))
# The shared rate limiter lives in Redis where there is one, otherwise in the database.
LOGIX_LIMITER_URL: str = env.str("LOGIX_LIMITER_URL", default=REDIS_URL)

if REDIS_URL:
    _cache = {"BACKEND": "django.core.cache.backends.redis.RedisCache", "LOCATION": REDIS_URL}
elif PRODUCTION:
    _cache = {"BACKEND": "django.core.cache.backends.db.DatabaseCache", "LOCATION": "logix_cache"}
else:
    _cache = {"BACKEND": "django.core.cache.backends.locmem.LocMemCache"}
CACHES = {"default": {**_cache, "KEY_PREFIX": "logix"}}

# --- Celery (the queues, limits and time-outs stand in logix/broker.py) ---------------------------

for _name, _value in broker.settings(CELERY_BROKER_URL, LOGIX_DATA / "broker").items():
    globals()[f"CELERY_{_name.upper()}"] = _value

# --- Security -------------------------------------------------------------------------------------

PASSWORD_HASHERS = [
    "django.contrib.auth.hashers.Argon2PasswordHasher",
    "django.contrib.auth.hashers.PBKDF2PasswordHasher",
]
AUTH_PASSWORD_VALIDATORS = [
    {"NAME": "django.contrib.auth.password_validation.UserAttributeSimilarityValidator"},
    {
        "NAME": "django.contrib.auth.password_validation.MinimumLengthValidator",
        "OPTIONS": {"min_length": 12},
    },
    {"NAME": "django.contrib.auth.password_validation.CommonPasswordValidator"},
    {"NAME": "django.contrib.auth.password_validation.NumericPasswordValidator"},
]
SESSION_COOKIE_AGE = 8 * 3600
SESSION_COOKIE_SECURE = CSRF_COOKIE_SECURE = PRODUCTION
SESSION_COOKIE_HTTPONLY = CSRF_COOKIE_HTTPONLY = True
# Lax, not Strict: a merchant comes back from a platform's consent page by a link of that platform.
SESSION_COOKIE_SAMESITE = CSRF_COOKIE_SAMESITE = "Lax"
SECURE_HSTS_SECONDS: int = env.int("SECURE_HSTS_SECONDS", default=31_536_000 if PRODUCTION else 0)
SECURE_HSTS_INCLUDE_SUBDOMAINS: bool = env.bool(
    "SECURE_HSTS_INCLUDE_SUBDOMAINS", default=PRODUCTION
)
SECURE_HSTS_PRELOAD: bool = env.bool("SECURE_HSTS_PRELOAD", default=PRODUCTION)
SECURE_SSL_REDIRECT = PRODUCTION
# Machines are never redirected: a store takes a 3xx for success and the event is gone, and a client
# would send its token in the clear every time. PlainHttpMiddleware refuses them; the probes below
# come from inside.
SECURE_REDIRECT_EXEMPT = [r"^api/", r"^livez$", r"^readyz$", r"^metrics$"]
SECURE_PROXY_SSL_HEADER = ("HTTP_X_FORWARDED_PROTO", "https") if LOGIX_BEHIND_PROXY else None
# Not no-referrer: browsers would send "Origin: null" with our own forms, and no login would work.
SECURE_REFERRER_POLICY = "same-origin"
X_FRAME_OPTIONS = "DENY"
DATA_UPLOAD_MAX_MEMORY_SIZE = 5 * 1024 * 1024
DATA_UPLOAD_MAX_NUMBER_FIELDS = 1000
FILE_UPLOAD_MAX_MEMORY_SIZE = 5 * 1024 * 1024
SECURE_CSP = {
    "default-src": ["'self'"],
    "img-src": ["'self'", "data:"],
    "object-src": ["'none'"],
    "base-uri": ["'self'"],
    "form-action": ["'self'"],
    "frame-ancestors": ["'none'"],
}
# Pages of libraries that cannot live under the rule above, by the beginning of their path.
LOGIX_CSP_EXCEPTIONS = {
    # Unfold's Alpine.js evaluates expressions written into the page, and its theme colours are a
    # <style> block.
    "/admin/": {
        "script-src": ["'self'", "'unsafe-eval'"],
        "style-src": ["'self'", "'unsafe-inline'"],
    },
    # Swagger UI sets style attributes.
    "/api/docs": {"style-src": ["'self'", "'unsafe-inline'"]},
}

# --- Pages, files, time ---------------------------------------------------------------------------

LANGUAGE_CODE = "en-us"
FORMAT_MODULE_PATH = ["logix.formats"]
USE_TZ = True
TIME_ZONE = "UTC"
STATIC_URL = "static/"
STATIC_ROOT = LOGIX_DATA / "static"
STORAGES = {
    "default": {"BACKEND": "django.core.files.storage.FileSystemStorage"},
    "staticfiles": {
        "BACKEND": "whitenoise.storage.CompressedManifestStaticFilesStorage"
        if PRODUCTION
        else "django.contrib.staticfiles.storage.StaticFilesStorage"
    },
}
if not PRODUCTION:
    # Files are served where they lie; whitenoise only wants the folder of collectstatic to exist.
    STATIC_ROOT.mkdir(parents=True, exist_ok=True)
WHITENOISE_USE_FINDERS = not PRODUCTION
WHITENOISE_AUTOREFRESH = DEBUG
MEDIA_ROOT = LOGIX_DATA / "media"
LOGIN_URL = "admin:login"
LOGIN_REDIRECT_URL = "admin:index"

LOGGING = logging.configuration(
    json=env.bool("LOGIX_LOG_JSON", default=PRODUCTION),
    level=env.str("LOGIX_LOG_LEVEL", default="INFO"),
)
LOGGING_CONFIG = "logix.logging.configure"

UNFOLD = {
    "SITE_TITLE": "Logix",
    "SITE_HEADER": "Logix",
    "SITE_SUBHEADER": "Stores to logistics",
    "SITE_SYMBOL": "hub",
    "SITE_FAVICONS": [
        {"rel": "icon", "type": "image/svg+xml", "href": lambda _request: static("logix/icon.svg")}
    ],
    "SITE_URL": None,
    "ENVIRONMENT": "logix.environment.badge",
    "SHOW_BACK_BUTTON": True,
    "LOGIN": {"form": "logix.accounts.logins.LoginForm"},
    "DASHBOARD_CALLBACK": "integrations.admin.home.dashboard",
    "SIDEBAR": {"show_search": True, "navigation": "integrations.admin.navigation.sidebar"},
}

# --- API ------------------------------------------------------------------------------------------

REST_FRAMEWORK = {
    "DEFAULT_AUTHENTICATION_CLASSES": ["integrations.api.auth.BearerAuthentication"],
    "DEFAULT_PERMISSION_CLASSES": ["rest_framework.permissions.IsAuthenticated"],
    "DEFAULT_RENDERER_CLASSES": ["rest_framework.renderers.JSONRenderer"],
    "DEFAULT_PARSER_CLASSES": ["rest_framework.parsers.JSONParser"],
    "DEFAULT_PAGINATION_CLASS": "integrations.api.paging.CursorPages",
    "DEFAULT_FILTER_BACKENDS": ["django_filters.rest_framework.DjangoFilterBackend"],
    "DEFAULT_SCHEMA_CLASS": "drf_spectacular.openapi.AutoSchema",
    "DEFAULT_THROTTLE_CLASSES": [
        "rest_framework.throttling.UserRateThrottle",
        "rest_framework.throttling.AnonRateThrottle",
    ],
    "DEFAULT_THROTTLE_RATES": {
        "user": env.str("LOGIX_API_RATE", default="1200/min"),
        "anon": "60/min",
    },
    "EXCEPTION_HANDLER": "integrations.api.errors.handle",
    "NUM_PROXIES": 1 if LOGIX_BEHIND_PROXY else 0,
    "TEST_REQUEST_DEFAULT_FORMAT": "json",
    "UNAUTHENTICATED_USER": None,
}
SPECTACULAR_SETTINGS = {
    "TITLE": "Logix API",
    "DESCRIPTION": "Orders, stock and stores of one merchant. Send `Authorization: Bearer …`.",
    "VERSION": LOGIX_VERSION,
    "SERVE_INCLUDE_SCHEMA": False,
    "SERVE_AUTHENTICATION": [],
    "SERVE_PERMISSIONS": ["rest_framework.permissions.AllowAny"],
    "SWAGGER_UI_DIST": "SIDECAR",
    "SWAGGER_UI_FAVICON_HREF": "SIDECAR",
    # Of so many operations only those in sight are drawn, so the browser's own search misses the
    # others: a box above them names a part of the API, and each operation has an address.
    "SWAGGER_UI_SETTINGS": {
        "persistAuthorization": False,
        "validatorUrl": None,
        "filter": True,
        "deepLinking": True,
    },
    "COMPONENT_SPLIT_REQUEST": True,
    "SCHEMA_PATH_PREFIX": r"/api/v1",
    "OAS_VERSION": "3.1.0",
    # Vocabularies that several shapes share; named here, else they would be called after a hash.
    "ENUM_NAME_OVERRIDES": {
        "StoreStatusEnum": "integrations.models.StoreStatus",
        "EndpointStatusEnum": "integrations.models.Endpoint.Status",
        "RuleModeEnum": "integrations.models.FieldRule.Mode",
        "ListingModeEnum": "inventory.models.ListingMode",
        "PushStateEnum": "integrations.models.Push.State",
        "FileStateEnum": "integrations.models.HandOver.State",
        "CommandStateEnum": "integrations.models.Command.State",
        "BucketEnum": "integrations.api.stock.BUCKETS",
        "UnsoldBucketEnum": "integrations.api.stock.UNSOLD",
        "MovementKindEnum": "inventory.models.MovementKind",
        "StreamEnum": "integrations.models.StreamName",
        "RuledStreamEnum": "integrations.sync.RULED",
        "PayoutStatusEnum": "integrations.api.payout_shapes.STATUSES",
        "ComparisonStateEnum": "integrations.models.ReconciliationState",
    },
}
