"""What each channel of a store says of a listing."""

import django.db.models.deletion
import logix.common.ids
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('inventory', '0015_kept_units'),
    ]

    operations = [
        migrations.AddField(
            model_name='listing',
            name='currency',
            field=models.CharField(blank=True, db_default='', max_length=3),
        ),
        migrations.CreateModel(
            name='ListingChannel',
            fields=[
                ('id', models.UUIDField(default=logix.common.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('channel', models.CharField(max_length=64)),
                ('external_id', models.CharField(blank=True, max_length=64)),
                ('title', models.CharField(blank=True, max_length=300)),
                ('price', models.DecimalField(blank=True, decimal_places=6, max_digits=20, null=True)),
                ('currency', models.CharField(blank=True, max_length=3)),
                ('raw_status', models.CharField(blank=True, max_length=120)),
                ('is_buyable', models.BooleanField(default=False)),
                ('seen_at', models.DateTimeField()),
                ('listing', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='channels', to='inventory.listing')),
            ],
            options={
                'ordering': ['channel'],
                'constraints': [models.UniqueConstraint(fields=('listing', 'channel'), name='listing_channel_once')],
            },
        ),
    ]
