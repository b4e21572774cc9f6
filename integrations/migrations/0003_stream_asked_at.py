from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("integrations", "0002_initial")]

    operations = [
        migrations.AddField(
            model_name="stream",
            name="asked_at",
            field=models.DateTimeField(blank=True, editable=False, null=True),
        ),
    ]
