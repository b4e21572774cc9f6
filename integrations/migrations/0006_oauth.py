import django.db.models.deletion
from django.conf import settings
from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [
        ("integrations", "0005_words_of_commands_sealed"),
        migrations.swappable_dependency(settings.AUTH_USER_MODEL),
    ]

    operations = [
        migrations.AddField(
            model_name="connectattempt",
            name="app_sealed",
            field=models.TextField(blank=True, db_default=""),
        ),
        migrations.AddField(
            model_name="connectattempt",
            name="user",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="+",
                to=settings.AUTH_USER_MODEL,
            ),
        ),
        migrations.AddField(
            model_name="credential",
            name="missing",
            field=models.JSONField(db_default=[], default=list),
        ),
        migrations.AddField(
            model_name="credential",
            name="refresh_due_at",
            field=models.DateTimeField(null=True),
        ),
        migrations.AddIndex(
            model_name="credential",
            index=models.Index(
                condition=models.Q(("refresh_due_at__isnull", False)),
                fields=["refresh_due_at"],
                name="credential_due",
            ),
        ),
    ]
