import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models

import logix.common.ids

_OPEN = models.Q(("state__in", ["gathering", "sending", "pending", "settling"]))


class Migration(migrations.Migration):
    dependencies = [("integrations", "0019_credentials_that_end")]

    operations = [
        migrations.AlterField(
            model_name="push",
            name="state",
            field=models.CharField(
                choices=[
                    ("idle", "In step"),
                    ("ready", "To be sent"),
                    ("busy", "Being sent"),
                    ("handed", "Handed over"),
                    ("blocked", "Blocked"),
                ],
                default="idle",
                max_length=8,
            ),
        ),
        migrations.CreateModel(
            name="StockHandOver",
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
                            ("gathering", "Being gathered"),
                            ("sending", "Being handed over"),
                            ("pending", "At the store"),
                            ("settling", "Being noted"),
                            ("done", "Done"),
                            ("failed", "Came to nothing"),
                        ],
                        default="gathering",
                        max_length=10,
                    ),
                ),
                ("handle", models.JSONField(default=dict)),
                ("figures", models.PositiveIntegerField(default=0)),
                ("refused", models.PositiveIntegerField(default=0)),
                ("orders_unread", models.BooleanField(default=False)),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                ("gathered_at", models.DateTimeField(null=True)),
                ("handed_at", models.DateTimeField(null=True)),
                ("ended_at", models.DateTimeField(null=True)),
                ("done_at", models.DateTimeField(null=True)),
                ("next_at", models.DateTimeField(null=True)),
                ("attempts", models.PositiveSmallIntegerField(default=0)),
                ("lease_until", models.DateTimeField(null=True)),
                ("fence", models.BigIntegerField(default=0)),
                ("problem_code", models.CharField(blank=True, max_length=60)),
                ("problem", models.TextField(blank=True)),
                (
                    "store",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="stock_hand_overs",
                        to="integrations.store",
                    ),
                ),
            ],
            options={
                "verbose_name": "stock file",
                "ordering": ["-created_at"],
                "indexes": [
                    models.Index(fields=["store", "-created_at"], name="hand_over_recent"),
                    models.Index(condition=_OPEN, fields=["next_at"], name="hand_over_due"),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=_OPEN, fields=("store",), name="one_hand_over"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="HandedFigure",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("number", models.PositiveIntegerField()),
                ("word", models.CharField(blank=True, max_length=200)),
                ("want", models.BigIntegerField(default=0)),
                ("units", models.IntegerField(null=True)),
                ("reversals", models.PositiveSmallIntegerField(default=0)),
                ("code", models.CharField(blank=True, max_length=60)),
                ("problem", models.TextField(blank=True)),
                (
                    "hand_over",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="lines",
                        to="integrations.stockhandover",
                    ),
                ),
                (
                    "push",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="handed",
                        to="integrations.push",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("hand_over", "number"), name="one_line_a_number"
                    )
                ],
            },
        ),
    ]
