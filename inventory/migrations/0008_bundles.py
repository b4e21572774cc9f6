from django.db import migrations, models
from django.db.models.deletion import SET_NULL


class Migration(migrations.Migration):

    dependencies = [
        ('inventory', '0007_allocations'),
    ]

    operations = [
        migrations.AddField(
            model_name='listing',
            name='is_bundle',
            field=models.BooleanField(db_default=False, default=False),
        ),
        migrations.AddField(
            model_name='listing',
            name='bundle_parts',
            field=models.JSONField(blank=True, db_default=[], default=list),
        ),
        migrations.AddField(
            model_name='listing',
            name='kit_problem',
            field=models.CharField(blank=True, db_default='', max_length=400),
        ),
        migrations.AddField(
            model_name='variant',
            name='kit_by_hand',
            field=models.BooleanField(db_default=False, default=False, editable=False),
        ),
        migrations.AddField(
            model_name='variant',
            name='kit_listing',
            field=models.ForeignKey(
                editable=False, null=True, on_delete=SET_NULL, related_name='+', to='inventory.listing'
            ),
        ),
        migrations.AddIndex(
            model_name='listing',
            index=models.Index(
                condition=models.Q(('kit_problem', ''), _negated=True),
                fields=['store'],
                name='listing_kit_waits',
            ),
        ),
    ]
