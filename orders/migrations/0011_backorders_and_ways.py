from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('orders', '0010_picking_and_refunded_goods'),
    ]

    operations = [
        migrations.AddField(
            model_name='oversell',
            name='is_backorder',
            field=models.BooleanField(db_default=False, default=False),
        ),
        migrations.AddField(
            model_name='order',
            name='came_by',
            field=models.CharField(blank=True, choices=[('webhook', 'webhook'), ('poll', 'poll'), ('comparison', 'comparison'), ('backfill', 'backfill'), ('asked', 'asked')], db_default='', editable=False, max_length=10),
        ),
    ]
