import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models

import logix.common.ids

_OPEN = models.Q(("state__in", ["gathering", "sending", "pending", "settling"]))


class Migration(migrations.Migration):
    dependencies = [("integrations", "0020_stock_hand_overs")]

    operations = [
        migrations.AlterField(
            model_name="command",
            name="state",
            field=models.CharField(
                choices=[
                    ("new", "Waiting"),
                    ("busy", "Being sent"),
                    ("handed", "Handed over"),
                    ("unknown", "Sent, answer lost"),
                    ("done", "Done"),
                    ("refused", "Refused by the store"),
                    ("parked", "Parked"),
                    ("dropped", "Dropped by a person"),
                ],
                default="new",
                max_length=8,
            ),
        ),
        migrations.AlterField(
            model_name="stockhandover",
            name="store",
            field=models.ForeignKey(
                on_delete=django.db.models.deletion.CASCADE,
                related_name="%(class)ss",
                to="integrations.store",
            ),
        ),
        migrations.CreateModel(
            name="ParcelHandOver",
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
                ("parcels", models.PositiveIntegerField(default=0)),
                ("refused", models.PositiveIntegerField(default=0)),
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
                        related_name="%(class)ss",
                        to="integrations.store",
                    ),
                ),
            ],
            options={
                "verbose_name": "parcel file",
                "ordering": ["-created_at"],
                "abstract": False,
                "indexes": [
                    models.Index(fields=["store", "-created_at"], name="parcel_file_recent"),
                    models.Index(condition=_OPEN, fields=["next_at"], name="parcel_file_due"),
                ],
                "constraints": [
                    models.UniqueConstraint(
                        condition=_OPEN, fields=("store",), name="one_parcel_file"
                    )
                ],
            },
        ),
        migrations.CreateModel(
            name="HandedParcel",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("number", models.PositiveIntegerField()),
                ("code", models.CharField(blank=True, max_length=60)),
                ("problem", models.TextField(blank=True)),
                ("is_unsure", models.BooleanField(default=False)),
                (
                    "command",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="handed",
                        to="integrations.command",
                    ),
                ),
                (
                    "hand_over",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="lines",
                        to="integrations.parcelhandover",
                    ),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("hand_over", "number"), name="one_parcel_a_number"
                    )
                ],
            },
        ),
    ]
