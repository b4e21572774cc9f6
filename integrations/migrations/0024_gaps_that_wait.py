"""A gap that is read again may have to wait for the store, and goes on where it stood."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("integrations", "0023_refunds_and_fees"),
    ]

    operations = [
        migrations.AddField(
            model_name="syncgap",
            name="position",
            field=models.JSONField(db_default={}, default=dict),
        ),
    ]
