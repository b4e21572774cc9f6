from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("orders", "0013_told_parts"),
    ]

    operations = [
        migrations.AddField(
            model_name="order",
            name="ended_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddIndex(
            model_name="order",
            index=models.Index(
                condition=models.Q(("erased_at", None)),
                fields=["store", "ended_at"],
                name="order_buyer_kept",
            ),
        ),
    ]
