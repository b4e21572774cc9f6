import django.db.models.deletion
import django.db.models.functions.datetime
import logix.common.ids
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('accounts', '0001_initial'),
        ('integrations', '0001_initial'),
        ('orders', '0001_initial'),
    ]

    operations = [
        migrations.CreateModel(
            name='Payout',
            fields=[
                ('id', models.UUIDField(default=logix.common.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('external_id', models.CharField(max_length=128)),
                ('status', models.CharField(choices=[('scheduled', 'scheduled'), ('in_transit', 'in transit'), ('paid', 'paid'), ('failed', 'failed'), ('cancelled', 'cancelled')], max_length=10)),
                ('raw_status', models.CharField(max_length=60)),
                ('currency', models.CharField(max_length=3)),
                ('amount', models.DecimalField(decimal_places=6, default=0, max_digits=20)),
                ('gross_total', models.DecimalField(decimal_places=6, default=0, max_digits=20)),
                ('fee_total', models.DecimalField(decimal_places=6, default=0, max_digits=20)),
                ('net_total', models.DecimalField(decimal_places=6, default=0, max_digits=20)),
                ('remainder', models.DecimalField(decimal_places=6, default=0, max_digits=20, null=True)),
                ('problem', models.TextField(blank=True)),
                ('lines_complete', models.BooleanField(default=True)),
                ('line_count', models.PositiveIntegerField(default=0)),
                ('issued_at', models.DateTimeField()),
                ('paid_at', models.DateTimeField(null=True)),
                ('digest', models.CharField(max_length=32)),
                ('lines_digest', models.CharField(max_length=32)),
                ('raw_mark', models.CharField(blank=True, max_length=32)),
                ('revision', models.PositiveIntegerField(default=0)),
                ('observed_at', models.DateTimeField()),
                ('imported_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('applied_at', models.DateTimeField(db_default=django.db.models.functions.datetime.Now())),
                ('merchant', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, to='accounts.merchant')),
                ('store', models.ForeignKey(on_delete=django.db.models.deletion.PROTECT, related_name='payouts', to='integrations.store')),
            ],
        ),
        migrations.CreateModel(
            name='PayoutLine',
            fields=[
                ('id', models.UUIDField(default=logix.common.ids.uuid7, editable=False, primary_key=True, serialize=False)),
                ('external_id', models.CharField(max_length=128)),
                ('position', models.PositiveIntegerField()),
                ('kind', models.CharField(choices=[('charge', 'charge'), ('refund', 'refund'), ('fee', 'fee'), ('adjustment', 'adjustment'), ('dispute', 'dispute'), ('reserve', 'reserve'), ('transfer', 'transfer'), ('other', 'other')], max_length=10)),
                ('raw_kind', models.CharField(blank=True, max_length=60)),
                ('currency', models.CharField(max_length=3)),
                ('amount', models.DecimalField(decimal_places=6, default=0, max_digits=20)),
                ('fee', models.DecimalField(decimal_places=6, default=0, max_digits=20)),
                ('net', models.DecimalField(decimal_places=6, default=0, max_digits=20)),
                ('at', models.DateTimeField(null=True)),
                ('external_order_id', models.CharField(blank=True, max_length=128)),
                ('external_transaction_id', models.CharField(blank=True, max_length=128)),
                ('order', models.ForeignKey(null=True, on_delete=django.db.models.deletion.SET_NULL, related_name='payout_lines', to='orders.order')),
                ('payout', models.ForeignKey(on_delete=django.db.models.deletion.CASCADE, related_name='lines', to='orders.payout')),
                ('store', models.ForeignKey(db_index=False, on_delete=django.db.models.deletion.PROTECT, related_name='+', to='integrations.store')),
            ],
            options={
                'ordering': ['position'],
            },
        ),
        migrations.AddIndex(
            model_name='payout',
            index=models.Index(fields=['merchant', '-issued_at', '-id'], name='payout_recent'),
        ),
        migrations.AddIndex(
            model_name='payout',
            index=models.Index(fields=['store', '-issued_at', '-id'], name='payout_store_recent'),
        ),
        migrations.AddIndex(
            model_name='payout',
            index=models.Index(condition=models.Q(('problem', ''), _negated=True), fields=['merchant', '-issued_at', '-id'], name='payout_unexplained'),
        ),
        migrations.AddConstraint(
            model_name='payout',
            constraint=models.UniqueConstraint(fields=('store', 'external_id'), name='payout_once'),
        ),
        migrations.AddConstraint(
            model_name='payout',
            constraint=models.CheckConstraint(condition=models.Q(models.Q(('problem', ''), _negated=True), models.Q(('remainder', 0), ('remainder__isnull', False)), _connector='OR'), name='payout_adds_up_or_says_why'),
        ),
        migrations.AddIndex(
            model_name='payoutline',
            index=models.Index(fields=['payout', 'position'], name='payout_line_place'),
        ),
        migrations.AddIndex(
            model_name='payoutline',
            index=models.Index(condition=models.Q(('order', None), models.Q(('external_order_id', ''), _negated=True)), fields=['store', 'external_order_id'], name='payout_line_waiting'),
        ),
        migrations.AddConstraint(
            model_name='payoutline',
            constraint=models.UniqueConstraint(fields=('payout', 'external_id'), name='payout_line_once'),
        ),
    ]
