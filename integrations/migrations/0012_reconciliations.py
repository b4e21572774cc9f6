import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models

import logix.common.ids


class Migration(migrations.Migration):
    dependencies = [
        ("integrations", "0011_stock_location_is_a_place"),
    ]

    operations = [
        migrations.CreateModel(
            name="Reconciliation",
            fields=[
                (
                    "id",
                    models.UUIDField(
                        default=logix.common.ids.uuid7,
                        editable=False,
                        primary_key=True,
                        serialize=False,
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("running", "Running"),
                            ("complete", "Complete"),
                            ("stopped", "Stopped, asks a person"),
                            ("failed", "Failed"),
                        ],
                        default="running",
                        max_length=8,
                    ),
                ),
                ("dry_run", models.BooleanField(default=False)),
                ("window_from", models.DateTimeField()),
                ("window_to", models.DateTimeField()),
                (
                    "phase",
                    models.CharField(
                        choices=[
                            ("lists", "Lists of orders"),
                            ("missing", "Orders missing here"),
                            ("unlisted", "Orders the store does not list"),
                            ("gone", "Orders deleted at the store"),
                            ("sample", "Sample of orders"),
                            ("stock", "Stock figures"),
                            ("zeros", "Stock figures of 0"),
                            ("products", "Items that could not be compared"),
                            ("done", "Done"),
                        ],
                        default="lists",
                        max_length=8,
                    ),
                ),
                ("place", models.JSONField(default=dict)),
                ("counts", models.JSONField(default=dict)),
                ("findings", models.JSONField(default=list)),
                ("go_on", models.BooleanField(default=False)),
                ("problem", models.TextField(blank=True)),
                ("requested_by", models.CharField(blank=True, max_length=150)),
                ("attempts", models.PositiveSmallIntegerField(default=0)),
                ("next_at", models.DateTimeField(null=True)),
                ("lease_owner", models.CharField(blank=True, max_length=80)),
                ("lease_until", models.DateTimeField(null=True)),
                ("fence", models.BigIntegerField(default=0)),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                ("finished_at", models.DateTimeField(null=True)),
                (
                    "store",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="reconciliations",
                        to="integrations.store",
                    ),
                ),
            ],
            options={
                "verbose_name": "comparison",
                "ordering": ["-created_at"],
                "indexes": [
                    models.Index(fields=["store", "-created_at"], name="reconciliation_recent"),
                    models.Index(
                        condition=models.Q(("state", "running")),
                        fields=["next_at"],
                        name="reconciliation_due",
                    ),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("state", "running")),
                        fields=("store",),
                        name="reconciliation_one_live",
                    )
                ],
            },
        ),
    ]
