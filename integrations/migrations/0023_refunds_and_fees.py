from django.db import migrations, models

STREAMS = [
    ("orders", "Orders"),
    ("products", "Products and stock"),
    ("payouts", "Payouts"),
    ("refunds", "Refunds and fees"),
    ("returns", "Returns"),
    ("kept", "Units the platform keeps"),
]


class Migration(migrations.Migration):
    dependencies = [("integrations", "0022_store_accounts")]

    operations = [
        migrations.AlterField(
            model_name="parkedrecord",
            name="stream",
            field=models.CharField(choices=STREAMS, max_length=10),
        ),
        migrations.AlterField(
            model_name="stream",
            name="name",
            field=models.CharField(choices=STREAMS, max_length=10),
        ),
    ]
