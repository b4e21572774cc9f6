from django.db import migrations, models

STREAMS = [
    ("orders", "Orders"),
    ("products", "Products and stock"),
    ("payouts", "Payouts"),
    ("refunds", "Refunds"),
    ("returns", "Returns"),
]


class Migration(migrations.Migration):
    dependencies = [("integrations", "0015_sent_by_other_stores")]

    operations = [
        migrations.AlterField(
            model_name="stream",
            name="name",
            field=models.CharField(choices=STREAMS, max_length=10),
        ),
        migrations.AlterField(
            model_name="parkedrecord",
            name="stream",
            field=models.CharField(choices=STREAMS, max_length=10),
        ),
    ]
