from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("orders", "0007_holds_until"),
    ]

    operations = [
        migrations.AddField(
            model_name="shipment",
            name="store_cancelled_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="shipment",
            name="notify_customer",
            field=models.BooleanField(
                db_default=True, default=True, help_text="The store tells its customer of it."
            ),
        ),
    ]
