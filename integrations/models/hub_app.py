"""The hub's own apps with platforms, which stand in the settings."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now


class HubAppSecret(models.Model):
    """When a secret of the hub's app was first seen. The secret itself is not kept."""

    platform = models.CharField(max_length=40)
    fingerprint = models.CharField(max_length=32)
    since = models.DateTimeField(db_default=Now())

    class Meta:
        constraints = [
            models.UniqueConstraint(fields=["platform", "fingerprint"], name="hub_app_secret_once"),
        ]

    def __str__(self) -> str:
        return f"{self.platform} {self.fingerprint}"
