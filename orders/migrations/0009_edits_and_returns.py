import django.db.models.deletion
from django.db import migrations, models

import logix.common.ids

HANDLING = [("off", "off"), ("record", "record"), ("automatic", "automatic")]


class Migration(migrations.Migration):
    dependencies = [
        ("orders", "0008_parcels_taken_back"),
    ]

    operations = [
        migrations.AddField(
            model_name="orderline",
            name="held_quantity",
            field=models.PositiveIntegerField(db_default=0, default=0),
        ),
        migrations.CreateModel(
            name="Conflict",
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
                            ("open", "Waits for a decision"),
                            ("accepted", "Accepted"),
                            ("returned", "Taken back by the store"),
                            ("overtaken", "Needs no decision any more"),
                        ],
                        default="open",
                        max_length=9,
                    ),
                ),
                ("baseline", models.JSONField(default=dict)),
                ("diff", models.JSONField(default=dict)),
                ("edits", models.PositiveIntegerField(default=1)),
                ("edited_at", models.DateTimeField()),
                ("source_version", models.BigIntegerField(null=True)),
                ("opened_at", models.DateTimeField()),
                ("closed_at", models.DateTimeField(null=True)),
                ("decided_by", models.CharField(blank=True, max_length=150)),
                (
                    "order",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="conflicts",
                        to="orders.order",
                    ),
                ),
            ],
            options={
                "ordering": ["-opened_at", "-id"],
                "indexes": [models.Index(fields=["order", "-opened_at"], name="conflict_by_order")],
                "constraints": [
                    models.UniqueConstraint(
                        condition=models.Q(("state", "open")),
                        fields=("order",),
                        name="conflict_one_open",
                    )
                ],
            },
        ),
        migrations.AddField(
            model_name="order",
            name="told_restocks",
            field=models.JSONField(null=True),
        ),
        migrations.AddField(
            model_name="return",
            name="handling",
            field=models.CharField(
                choices=HANDLING, db_default="record", default="record", max_length=9
            ),
        ),
    ]
