"""Listings without a SKU that have a product to themselves say so from now on. Going back, they are
called linked again, as they are.
"""

from django.db import migrations, models
from django.db.models import Exists, OuterRef


def name(apps, schema_editor):
    listings = apps.get_model('inventory', 'Listing').objects
    others = listings.filter(variant=OuterRef('variant'), gone_at=None).exclude(pk=OuterRef('pk'))
    alone = listings.filter(
        ~Exists(others), sku_key='', link_problem='', gone_at=None, variant__sku_key=None
    ).exclude(variant=None)
    keys = list(alone.values_list('pk', flat=True))
    for start in range(0, len(keys), 500):
        listings.filter(pk__in=keys[start : start + 500]).update(link_problem='blank_sku')


def forget(apps, schema_editor):
    listings = apps.get_model('inventory', 'Listing').objects.exclude(variant=None)
    listings.filter(link_problem__in=['blank_sku', 'ambiguous']).update(link_problem='')


class Migration(migrations.Migration):

    dependencies = [
        ('inventory', '0009_kits_by_hand'),
    ]

    operations = [
        migrations.AlterField(
            model_name='listing',
            name='link_problem',
            field=models.CharField(blank=True, choices=[('', 'Linked'), ('blank_sku', 'Came without a SKU'), ('ambiguous', 'Several products have its barcode'), ('duplicate_sku', 'The store uses this SKU more than once'), ('unlinked', 'Unlinked by hand')], default='', max_length=16),
        ),
        migrations.RunPython(name, forget),
    ]
