"""A store is one by its merchant, platform, address and account, and a consent may be meant for one
store alone.
"""

import django.db.models.deletion
from django.db import migrations, models


def take_known(apps, schema_editor):
    """What a store confirmed of itself before."""
    Store = apps.get_model("integrations", "Store")
    for store in Store.objects.all():
        if account := store.features.get("account"):
            Store.objects.filter(pk=store.pk).update(account=account)


class Migration(migrations.Migration):
    dependencies = [
        ("accounts", "0003_audit_append_only"),
        ("integrations", "0021_parcel_hand_overs"),
    ]

    operations = [
        migrations.AddField(
            model_name="store",
            name="account",
            field=models.CharField(blank=True, db_default="", max_length=60),
        ),
        migrations.RemoveConstraint(model_name="store", name="store_once"),
        migrations.AddConstraint(
            model_name="store",
            constraint=models.UniqueConstraint(
                condition=models.Q(("status", "disconnected"), _negated=True),
                fields=("merchant", "platform", "base_url", "account"),
                name="store_once",
            ),
        ),
        migrations.AddField(
            model_name="connectattempt",
            name="renews",
            field=models.ForeignKey(
                null=True,
                on_delete=django.db.models.deletion.CASCADE,
                related_name="+",
                to="integrations.store",
            ),
        ),
        migrations.RunPython(take_known, migrations.RunPython.noop),
    ]
