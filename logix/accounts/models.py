"""Who may do what: merchants, their members and API tokens, the keys that seal their data, and the
audit log.
"""

from __future__ import annotations

from typing import Any

from django.conf import settings
from django.db import models
from django.db.models.functions import Now

from logix.common.ids import uuid7


class Merchant(models.Model):
    """The tenant. Everything belongs to one; no face ever shows one merchant's rows to another."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    name = models.CharField(max_length=120)
    slug = models.SlugField(max_length=60, unique=True)
    created_at = models.DateTimeField(db_default=Now(), editable=False)

    class Meta:
        ordering = ["name"]
        permissions = [("view_pii", "Can see buyers' names and addresses")]

    def __str__(self) -> str:
        return self.name


class Role(models.TextChoices):
    VIEWER = "viewer", "Viewer: reads everything but secrets"
    OPERATOR = "operator", "Operator: also fulfils, adjusts, retries"
    OWNER = "owner", "Owner: also connects stores, tokens, settings"


class Membership(models.Model):
    merchant = models.ForeignKey(Merchant, on_delete=models.CASCADE, related_name="memberships")
    user = models.ForeignKey(
        settings.AUTH_USER_MODEL, on_delete=models.CASCADE, related_name="memberships"
    )
    role = models.CharField(max_length=10, choices=Role.choices, default=Role.VIEWER)

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["merchant", "user"], name="membership_once"),
        ]

    def __str__(self) -> str:
        return f"{self.user} is {self.role} of {self.merchant}"


class Scope(models.TextChoices):
    READ = "read", "Read orders, products and stock"
    ORDERS_WRITE = "orders:write", "Fulfil, cancel and change orders"
    STOCK_WRITE = "stock:write", "Adjust stock"
    STORES_WRITE = "stores:write", "Connect, change and disconnect stores"
    PII = "pii", "See buyers' names and addresses"


class ApiToken(models.Model):
    """A bearer token. Only its SHA-256 is stored; the text is shown once, when it is made."""

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    merchant = models.ForeignKey(Merchant, on_delete=models.CASCADE, related_name="tokens")
    name = models.CharField(max_length=80, help_text="What uses it, e.g. “warehouse app”.")
    prefix = models.CharField(max_length=12, editable=False)
    digest = models.CharField(max_length=64, unique=True, editable=False)
    scopes = models.JSONField(default=list)
    created_by = models.ForeignKey(
        settings.AUTH_USER_MODEL, null=True, blank=True, on_delete=models.SET_NULL, editable=False
    )
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    expires_at = models.DateTimeField(null=True, blank=True)
    revoked_at = models.DateTimeField(null=True, blank=True, editable=False)
    last_used_at = models.DateTimeField(null=True, blank=True, editable=False)

    class Meta:
        ordering = ["-created_at"]
        verbose_name = "API token"

    def __str__(self) -> str:
        return f"{self.name} ({self.prefix}…)"


class DataKey(models.Model):
    """A store's own key, wrapped by the ring. Destroying it (``wrapped = ''``) erases all it
    sealed, backups too.
    """

    id = models.UUIDField(primary_key=True, default=uuid7, editable=False)
    merchant = models.ForeignKey(Merchant, on_delete=models.PROTECT, related_name="data_keys")
    wrapped = models.TextField(editable=False)
    kid = models.CharField(max_length=32, db_index=True, editable=False)
    created_at = models.DateTimeField(db_default=Now(), editable=False)
    destroyed_at = models.DateTimeField(null=True, editable=False)

    def __str__(self) -> str:
        return f"data key {self.id}"


class AuditEvent(models.Model):
    """Who did what, when. Insert only; each row carries the hash of the one before it in the same
    merchant's chain.
    """

    at = models.DateTimeField(db_default=Now(), editable=False)
    merchant = models.ForeignKey(
        Merchant, null=True, on_delete=models.PROTECT, related_name="audit_events"
    )
    actor_kind = models.CharField(max_length=10)
    actor = models.CharField(max_length=150, blank=True)
    action = models.CharField(max_length=60, db_index=True)
    object_type = models.CharField(max_length=60, blank=True)
    object_id = models.CharField(max_length=64, blank=True)
    object_name = models.CharField(max_length=200, blank=True)
    details: models.JSONField[Any] = models.JSONField(default=dict)
    request_id = models.CharField(max_length=64, blank=True)
    sequence = models.PositiveBigIntegerField(editable=False)
    previous_hash = models.CharField(max_length=64, blank=True)
    hash = models.CharField(max_length=64)

    class Meta:
        ordering = ["-id"]
        constraints = [
            models.UniqueConstraint(fields=["merchant", "sequence"], name="audit_sequence_once"),
        ]
        indexes = [models.Index(fields=["object_type", "object_id"], name="audit_object")]

    def __str__(self) -> str:
        return f"{self.at:%Y-%m-%d %H:%M} {self.actor} {self.action}"


class IdempotentRequest(models.Model):
    """A write of the API under an ``Idempotency-Key``: the first answer is kept and given again."""

    class State(models.TextChoices):
        RUNNING = "running"
        DONE = "done"

    merchant = models.ForeignKey(Merchant, on_delete=models.CASCADE)
    key = models.CharField(max_length=255)
    method = models.CharField(max_length=8)
    path = models.CharField(max_length=255)
    request_digest = models.CharField(max_length=64)
    state = models.CharField(max_length=8, choices=State.choices, default=State.RUNNING)
    status = models.PositiveSmallIntegerField(null=True)
    response = models.BinaryField(null=True)
    locked_until = models.DateTimeField()
    created_at = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["merchant", "key"], name="idempotent_once"),
        ]
        indexes = [models.Index(fields=["created_at"], name="idempotent_age")]

    def __str__(self) -> str:
        return f"{self.method} {self.path} {self.key}"
