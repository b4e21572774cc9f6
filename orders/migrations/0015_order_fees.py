import django.db.models.deletion
import logix.common.ids
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("integrations", "0022_store_accounts"),
        ("orders", "0014_when_orders_ended"),
    ]

    operations = [
        migrations.CreateModel(
            name="OrderFee",
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
                ("external_id", models.CharField(max_length=128)),
                ("currency", models.CharField(max_length=3)),
                ("total", models.DecimalField(decimal_places=6, default=0, max_digits=20)),
                ("amounts", models.JSONField(default=list)),
                ("posted_at", models.DateTimeField()),
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
                "ordering": ["posted_at", "id"],
                "constraints": [
                    models.UniqueConstraint(
                        fields=("store", "external_order_id", "external_id"), name="order_fee_once"
                    )
                ],
            },
        ),
    ]
