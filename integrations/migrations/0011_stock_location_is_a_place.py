"""The location that was chosen by the option ``stock_location`` becomes one among the store's
locations, at which all open places of its merchant are shown.
"""

from django.db import migrations


def map_chosen(apps, schema_editor):
    Store = apps.get_model("integrations", "Store")
    Location = apps.get_model("inventory", "Location")
    StoreLocation = apps.get_model("inventory", "StoreLocation")
    StorePlace = apps.get_model("inventory", "StorePlace")
    for store in Store.objects.all():
        told = store.features.pop("locations", None)
        chosen = store.options.pop("stock_location", None)
        if told is None and chosen is None:
            continue
        for row in told or ():
            StoreLocation.objects.get_or_create(
                store=store,
                external_id=row["id"],
                defaults={"name": row.get("name", "")[:120], "is_online": bool(row.get("online"))},
            )
        if chosen:
            at, _ = StoreLocation.objects.get_or_create(store=store, external_id=chosen)
            for place in Location.objects.filter(merchant=store.merchant_id, is_active=True):
                StorePlace.objects.get_or_create(
                    store=store, location=place, defaults={"shown_at": at, "rank": place.rank}
                )
        store.save(update_fields=["features", "options"])


class Migration(migrations.Migration):
    dependencies = [
        ("integrations", "0010_push_places"),
        ("inventory", "0002_store_locations"),
    ]

    operations = [migrations.RunPython(map_chosen, migrations.RunPython.noop)]
