import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("integrations", "0013_refund_commands"),
        ("inventory", "0006_barcodes"),
    ]

    operations = [
        migrations.CreateModel(
            name="ToldFigure",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                (
                    "state",
                    models.CharField(
                        choices=[
                            ("unconfirmed", "Read once more"),
                            ("held", "Waits for somebody"),
                            ("taken", "Taken over"),
                        ],
                        default="unconfirmed",
                        max_length=12,
                    ),
                ),
                ("was", models.IntegerField()),
                ("problem", models.TextField(blank=True)),
                ("next_at", models.DateTimeField(null=True)),
                (
                    "created_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                ("taken_at", models.DateTimeField(null=True)),
                (
                    "listing",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="told_figure",
                        to="inventory.listing",
                    ),
                ),
                (
                    "store",
                    models.ForeignKey(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="told_figures",
                        to="integrations.store",
                    ),
                ),
            ],
            options={
                "indexes": [
                    models.Index(
                        condition=models.Q(("state", "unconfirmed")),
                        fields=["next_at"],
                        name="told_unconfirmed",
                    ),
                    models.Index(fields=["store", "state"], name="told_by_store"),
                ],
            },
        ),
    ]
