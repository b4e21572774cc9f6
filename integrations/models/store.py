"""A connected store, its credentials, and the addresses its webhooks come in at."""

from __future__ import annotations

from collections.abc import Iterable
from datetime import timedelta
from typing import Any

from django.conf import settings
from django.db import models
from django.db.models.functions import Now

from logix.accounts.models import Merchant
from logix.common.ids import uuid7


class StoreStatus(models.TextChoices):
    DRAFT = "draft", "Draft"
    AUTHORISING = "authorising", "Waiting for the merchant's consent"
    TESTING = "testing", "Tested, not active yet"
    ACTIVE = "active", "Active"
    PAUSED = "paused", "Paused"
    NEEDS_MERCHANT = "needs_merchant", "Merchant must reconnect"
    DISCONNECTED = "disconnected", "Disconnected"


class StoreQuerySet(models.QuerySet["Store"]):
    def live(self) -> StoreQuerySet:
        """Stores that may be called now."""
        return self.filter(status=StoreStatus.ACTIVE)

    def connected(self) -> StoreQuerySet:
        return self.exclude(status=StoreStatus.DISCONNECTED)

    def known(
        self, merchant: Merchant, platform: str, base_urls: Iterable[str], account: str = ""
    ) -> StoreQuerySet:
        """The merchant's stores at these addresses; of ``account`` alone where it is said, and
        where it is not known whose they are.
        """
        rows = self.filter(merchant=merchant, platform=platform, base_url__in=list(base_urls))
        return rows.filter(account__in=("", account)) if account else rows


class Store(models.Model):
    """``options`` is what staff chose, ``features`` what ``identify`` found out; both reach the
    adapter.

    ``stock_since``: from then on orders move stock here; what was finished before is imported as
    past. ``stock_opened_at``: the store's figures were adopted as first counts (after its orders
    were read). ``account``: whose it is, where many stores of a platform share one address.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    merchant = models.ForeignKey(
        "accounts.Merchant", on_delete=models.PROTECT, related_name="stores"
    )
    platform = models.SlugField(max_length=40)
    name = models.CharField(max_length=120)
    base_url = models.URLField("Store URL", max_length=300)
    account = models.CharField(max_length=60, blank=True, db_default="")
    status = models.CharField(max_length=16, choices=StoreStatus.choices, default=StoreStatus.DRAFT)
    status_reason = models.TextField(blank=True)
    auto_sync = models.BooleanField(default=True, help_text="Poll and listen without being asked.")
    writes_enabled = models.BooleanField(
        default=False, help_text="Off: Logix never changes anything in this store."
    )
    import_since = models.DateTimeField(null=True, blank=True)
    stock_since = models.DateTimeField(null=True, blank=True)
    stock_opened_at = models.DateTimeField(null=True, blank=True, editable=False)
    currency = models.CharField(max_length=3, blank=True)
    timezone = models.CharField(max_length=60, default="UTC")
    version = models.CharField(max_length=40, blank=True)
    options: models.JSONField[Any] = models.JSONField(default=dict, blank=True)
    features: models.JSONField[Any] = models.JSONField(default=dict, blank=True)
    data_key = models.ForeignKey("accounts.DataKey", on_delete=models.PROTECT, related_name="+")
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    last_ok_at = models.DateTimeField(null=True, blank=True, editable=False)
    disconnected_at = models.DateTimeField(null=True, blank=True, editable=False)

    objects = StoreQuerySet.as_manager()

    class Meta:
        ordering = ["name"]
        constraints = [
            models.UniqueConstraint(
                fields=["merchant", "platform", "base_url", "account"],
                condition=~models.Q(status="disconnected"),
                name="store_once",
            ),
        ]
        indexes = [models.Index(fields=["status"], name="store_status")]

    def __str__(self) -> str:
        return self.name

    @property
    def is_active(self) -> bool:
        return self.status == StoreStatus.ACTIVE

    @property
    def unpaid_hold(self) -> timedelta | None:
        """How long an unpaid order holds its units: as staff chose (0: for ever), else as the store
        says it does.
        """
        minutes = self.options.get("unpaid_hold_m", self.features.get("unpaid_hold_m"))
        return timedelta(minutes=minutes) if minutes else None

    @property
    def is_stock_master(self) -> bool:
        """Whether staff let the store count: its figures become our stock, and ours are not told
        to it.
        """
        return self.options.get("stock_master") == "store"

    @property
    def refunds(self) -> str:
        """What becomes of a refund asked for here, as staff chose: ``off``, ``record`` (the store
        notes it and moves no money) or ``gateway`` (the money goes back).
        """
        return str(self.options.get("refunds") or "off")

    @property
    def returns(self) -> str:
        """What becomes here of goods that the store refunds or takes back, as staff chose: ``off``
        (they are shown), ``record`` (a person decides) or ``automatic`` (what the store put back on
        sale goes on the shelf at once).
        """
        return str(self.options.get("returns") or "record")


class Credential(models.Model):
    """Sealed JSON of the values the platform's card declares, and of the tokens it granted.
    ``version`` grows with every change (refresh, rotation).

    ``lease_until`` and ``fence`` belong to the one worker that renews a token, which is due from
    ``refresh_due_at`` on. ``missing`` are the wanted scopes the merchant did not grant.
    ``secret_since``: when the value that ends by itself (``CredentialField.lasts``) was entered;
    ``consented_at``: when the merchant last consented, for tokens that came of that.
    """

    class State(models.TextChoices):
        OK = "ok", "Works"
        REFRESHING = "refreshing", "Being refreshed"
        REAUTH = "reauth", "Merchant must reconnect"
        REVOKED = "revoked", "Revoked"

    store = models.ForeignKey(Store, on_delete=models.CASCADE, related_name="credentials")
    kind = models.CharField(max_length=20)
    sealed = models.BinaryField()
    version = models.PositiveIntegerField(default=1)
    state = models.CharField(max_length=10, choices=State.choices, default=State.OK)
    fingerprint = models.CharField(max_length=16, blank=True)
    scopes: models.JSONField[Any] = models.JSONField(default=list)
    missing: models.JSONField[Any] = models.JSONField(default=list, db_default=[])
    expires_at = models.DateTimeField(null=True)
    refresh_expires_at = models.DateTimeField(null=True)
    refresh_due_at = models.DateTimeField(null=True)
    lease_until = models.DateTimeField(null=True)
    fence = models.BigIntegerField(default=0)
    updated_at = models.DateTimeField(db_default=Now())
    secret_since = models.DateTimeField(null=True)
    consented_at = models.DateTimeField(null=True)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["store", "kind"], name="credential_once"),
        ]
        indexes = [
            models.Index(
                fields=["refresh_due_at"],
                condition=models.Q(refresh_due_at__isnull=False),
                name="credential_due",
            ),
        ]

    def __str__(self) -> str:
        return f"{self.kind} of {self.store}"


class Endpoint(models.Model):
    """Where a store's webhooks come in: an unguessable address and one secret, two while the secret
    is rotated. ``account`` is how the platform's headers name the store, where they do.
    """

    class Status(models.TextChoices):
        ACTIVE = "active", "Listening"
        PAUSED = "paused", "Paused"
        CLOSED = "closed", "Closed"

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    store = models.ForeignKey(Store, on_delete=models.CASCADE, related_name="endpoints")
    token_digest = models.CharField(max_length=64, unique=True)
    token_sealed = models.BinaryField()
    account = models.CharField(max_length=253, blank=True, db_default="")
    secret_sealed = models.BinaryField()
    previous_secret_sealed = models.BinaryField(null=True)
    previous_valid_until = models.DateTimeField(null=True)
    status = models.CharField(max_length=8, choices=Status.choices, default=Status.ACTIVE)
    subscriptions: models.JSONField[Any] = models.JSONField(default=list)
    created_at = models.DateTimeField(db_default=Now())
    last_received_at = models.DateTimeField(null=True)
    last_checked_at = models.DateTimeField(null=True)
    problem = models.TextField(blank=True)
    mended = models.PositiveIntegerField(default=0)

    class Meta:
        constraints = [
            models.UniqueConstraint(
                fields=["store"], condition=~models.Q(status="closed"), name="endpoint_one_open"
            ),
        ]
        indexes = [
            models.Index(
                fields=["account"], condition=~models.Q(account=""), name="endpoint_by_account"
            ),
        ]

    def __str__(self) -> str:
        return f"webhooks of {self.store}"


class ConnectAttempt(models.Model):
    """A connect under way that ends in the merchant's browser: single use, bound to merchant,
    platform and store address, short-lived.

    ``user``: begun in the admin, so it ends in that person's browser and no other. ``app_sealed``
    is the merchant's own app, kept while it is needed. ``renews``: it is for that store and no
    other; ``store`` is the one it ended with.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    merchant = models.ForeignKey("accounts.Merchant", on_delete=models.CASCADE)
    platform = models.SlugField(max_length=40)
    base_url = models.URLField(max_length=300)
    reference_digest = models.CharField(max_length=64, unique=True)
    options: models.JSONField[Any] = models.JSONField(default=dict)
    requested_by = models.CharField(max_length=150, blank=True)
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, on_delete=models.CASCADE, related_name="+"
    )
    app_sealed = models.TextField(blank=True, db_default="")
    created_at = models.DateTimeField(db_default=Now())
    expires_at = models.DateTimeField()
    used_at = models.DateTimeField(null=True)
    store = models.ForeignKey(Store, null=True, on_delete=models.SET_NULL)
    renews = models.ForeignKey(Store, null=True, on_delete=models.CASCADE, related_name="+")
    problem = models.TextField(blank=True)

    def __str__(self) -> str:
        return f"connect {self.platform} {self.base_url}"
