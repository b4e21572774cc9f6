from django.db import migrations, models
from django.db.models import Count, Q


def note_what_is_known(apps, schema_editor):
    """One figure for several listings of a product: written down from now on."""
    listings = apps.get_model("inventory", "Listing").objects.order_by()
    place = ("store_id", "external_product_id", "stock_ref")
    shared = listings.filter(gone_at=None).exclude(stock_ref="").values(*place)
    for one in shared.annotate(many=Count("pk")).filter(many__gt=1).iterator():
        listings.filter(Q(**{name: one[name] for name in place})).update(shares_figure=True)


class Migration(migrations.Migration):
    dependencies = [("inventory", "0013_held_and_damaged")]

    operations = [
        migrations.AddField(
            "listing", "shares_figure", models.BooleanField(default=False, db_default=False)
        ),
        migrations.RunPython(note_what_is_known, migrations.RunPython.noop),
    ]
