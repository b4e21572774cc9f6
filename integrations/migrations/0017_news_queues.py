import django.db.models.deletion
import django.db.models.functions.datetime
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("integrations", "0016_refunds_and_returns_streams"),
    ]

    operations = [
        migrations.CreateModel(
            name="NewsQueue",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("address", models.CharField(max_length=300)),
                (
                    "next_at",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
                ("asked_at", models.DateTimeField(null=True)),
                ("is_deaf", models.BooleanField(db_default=False, default=False)),
                ("lease_owner", models.CharField(blank=True, db_default="", max_length=80)),
                ("lease_until", models.DateTimeField(null=True)),
                ("fence", models.BigIntegerField(db_default=0, default=0)),
                (
                    "endpoint",
                    models.OneToOneField(
                        on_delete=django.db.models.deletion.CASCADE,
                        related_name="news_queue",
                        to="integrations.endpoint",
                    ),
                ),
            ],
            options={
                "indexes": [models.Index(fields=["next_at"], name="news_queue_due")],
            },
        ),
    ]
