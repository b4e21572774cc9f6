from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("integrations", "0018_kept_units"),
    ]

    operations = [
        migrations.AddField(
            model_name="credential",
            name="consented_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddField(
            model_name="credential",
            name="secret_since",
            field=models.DateTimeField(null=True),
        ),
    ]
