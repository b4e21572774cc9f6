"""Kits so far were made, and taken apart, by people. Going back changes nothing: the column goes."""

from django.db import migrations


def mark(apps, schema_editor):
    variants = apps.get_model('inventory', 'Variant').objects
    parts = apps.get_model('inventory', 'KitPart').objects
    events = apps.get_model('accounts', 'AuditEvent').objects
    variants.filter(pk__in=parts.values('kit')).update(kit_by_hand=True)
    changed = events.filter(action='kit.parts_changed', object_type='inventory.variant')
    keys = list(changed.order_by().values_list('object_id', flat=True).distinct())
    for start in range(0, len(keys), 500):
        variants.filter(pk__in=keys[start : start + 500]).update(kit_by_hand=True)


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0003_audit_append_only'),
        ('inventory', '0008_bundles'),
    ]

    operations = [migrations.RunPython(mark, migrations.RunPython.noop)]
