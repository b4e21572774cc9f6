import django.db.models.deletion
from django.db import migrations, models

import logix.common.ids

OUTCOMES = [("back", "Put back to stock"), ("nothing", "Nothing comes back")]


class Migration(migrations.Migration):
    dependencies = [
        ("inventory", "0009_kits_by_hand"),
        ("orders", "0009_edits_and_returns"),
    ]

    operations = [
        migrations.AddField(
            model_name="order",
            name="picking_since",
            field=models.DateTimeField(null=True),
        ),
        migrations.CreateModel(
            name="GoodsDecision",
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
                ("outcome", models.CharField(choices=OUTCOMES, max_length=7)),
                ("units", models.PositiveIntegerField()),
                ("decided_by", models.CharField(max_length=150)),
                ("decided_at", models.DateTimeField()),
                ("withdrawn_by", models.CharField(blank=True, max_length=150)),
                ("withdrawn_at", models.DateTimeField(null=True)),
                (
                    "line",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="goods_decisions",
                        to="orders.orderline",
                    ),
                ),
                (
                    "location",
                    models.ForeignKey(
                        null=True,
                        on_delete=django.db.models.deletion.SET_NULL,
                        to="inventory.location",
                    ),
                ),
                (
                    "order",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="goods_decisions",
                        to="orders.order",
                    ),
                ),
            ],
            options={"ordering": ["id"]},
        ),
    ]
