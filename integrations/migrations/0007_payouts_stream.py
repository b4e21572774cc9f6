from django.db import migrations, models

STREAMS = [("orders", "Orders"), ("products", "Products and stock"), ("payouts", "Payouts")]


class Migration(migrations.Migration):
    dependencies = [("integrations", "0006_oauth")]

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
