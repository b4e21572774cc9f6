import django.db.models.deletion
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("integrations", "0003_stream_asked_at")]

    operations = [
        migrations.AlterField(
            model_name="command",
            name="kind",
            field=models.CharField(
                choices=[
                    ("status", "Order status"),
                    ("shipment", "Shipment"),
                    ("cancel", "Cancel order"),
                    ("note", "Order note"),
                    ("fields", "Order fields"),
                ],
                max_length=10,
            ),
        ),
        migrations.CreateModel(
            name="Rereading",
            fields=[
                (
                    "store",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        primary_key=True,
                        related_name="rereading",
                        serialize=False,
                        to="integrations.store",
                    ),
                ),
                ("words", models.JSONField(default=list)),
                ("after", models.UUIDField(null=True)),
                ("again", models.BooleanField(default=True)),
                ("next_at", models.DateTimeField(db_index=True)),
                ("fence", models.BigIntegerField(default=0)),
            ],
        ),
    ]
