import django.db.models.deletion
from django.db import migrations, models

import logix.common.ids


class Migration(migrations.Migration):
    dependencies = [
        ("integrations", "0014_told_figures"),
        ("orders", "0012_sent_by_other_stores"),
    ]

    operations = [
        migrations.CreateModel(
            name="ToldPart",
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
                ("external_order_id", models.CharField(max_length=128)),
                (
                    "kind",
                    models.CharField(
                        choices=[("refund", "refund"), ("return", "return")], max_length=6
                    ),
                ),
                ("external_id", models.CharField(max_length=128)),
                ("currency", models.CharField(blank=True, max_length=3)),
                ("by_sku", models.BooleanField(default=False)),
                ("told", models.JSONField()),
                ("digest", models.CharField(max_length=32)),
                ("waits", models.BooleanField(default=True)),
                ("observed_at", models.DateTimeField()),
                (
                    "store",
                    models.ForeignKey(
                        db_index=False,
                        on_delete=django.db.models.deletion.PROTECT,
                        related_name="+",
                        to="integrations.store",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("waits", True)),
                        fields=["store", "external_order_id"],
                        name="told_part_waits",
                    )
                ],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("store", "external_order_id", "kind", "external_id"),
                        name="told_part_once",
                    )
                ],
            },
        ),
    ]
