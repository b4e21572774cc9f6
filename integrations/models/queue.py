"""Queues of merchants' own, from which the news of their stores are fetched."""

from __future__ import annotations

from django.db import models
from django.db.models.functions import Now

from integrations.models.store import Endpoint


class NewsQueue(models.Model):
    """A queue into which a platform puts the news of one store; what comes out of it is kept at the
    store's ``endpoint``. ``address`` is how it was typed. ``asked_at``: when it last answered.
    ``is_deaf``: it could not be read the last time; the endpoint's ``problem`` says why.
    """

    endpoint = models.OneToOneField(Endpoint, on_delete=models.CASCADE, related_name="news_queue")
    address = models.CharField(max_length=300)
    next_at = models.DateTimeField(db_default=Now())
    asked_at = models.DateTimeField(null=True)
    is_deaf = models.BooleanField(default=False, db_default=False)
    lease_owner = models.CharField(max_length=80, blank=True, db_default="")
    lease_until = models.DateTimeField(null=True)
    fence = models.BigIntegerField(default=0, db_default=0)

    class Meta:
        indexes = [models.Index(fields=["next_at"], name="news_queue_due")]

    def __str__(self) -> str:
        return self.address
