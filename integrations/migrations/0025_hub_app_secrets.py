"""When a secret of the hub's own app was first seen: a platform may end it by itself."""

import django.db.models.functions.datetime
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("integrations", "0024_gaps_that_wait"),
    ]

    operations = [
        migrations.CreateModel(
            name="HubAppSecret",
            fields=[
                (
                    "id",
                    models.BigAutoField(
                        auto_created=True, primary_key=True, serialize=False, verbose_name="ID"
                    ),
                ),
                ("platform", models.CharField(max_length=40)),
                ("fingerprint", models.CharField(max_length=32)),
                (
                    "since",
                    models.DateTimeField(db_default=django.db.models.functions.datetime.Now()),
                ),
            ],
            options={
                "constraints": [
                    models.UniqueConstraint(
                        fields=("platform", "fingerprint"), name="hub_app_secret_once"
                    )
                ],
            },
        ),
    ]
