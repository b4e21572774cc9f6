
import django.core.validators
from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('inventory', '0011_listing_backorders'),
    ]

    operations = [
        migrations.AlterField(
            model_name='allocation',
            name='units',
            field=models.PositiveIntegerField(default=0, validators=[django.core.validators.MaxValueValidator(100000000)]),
        ),
        migrations.AlterField(
            model_name='listing',
            name='fixed_quantity',
            field=models.PositiveIntegerField(blank=True, null=True, validators=[django.core.validators.MaxValueValidator(100000000)]),
        ),
        migrations.AlterField(
            model_name='stockrule',
            name='always',
            field=models.PositiveIntegerField(blank=True, help_text='Show this figure whatever is there.', null=True, validators=[django.core.validators.MaxValueValidator(100000000)]),
        ),
        migrations.AlterField(
            model_name='stockrule',
            name='buffer',
            field=models.PositiveIntegerField(default=0, help_text='Units kept back.', validators=[django.core.validators.MaxValueValidator(100000000)]),
        ),
        migrations.AlterField(
            model_name='stockrule',
            name='end_when',
            field=models.PositiveIntegerField(default=0, help_text='Show 0 at or below this pool.', validators=[django.core.validators.MaxValueValidator(100000000)]),
        ),
        migrations.AlterField(
            model_name='stockrule',
            name='max_listed',
            field=models.PositiveIntegerField(blank=True, null=True, validators=[django.core.validators.MaxValueValidator(100000000)]),
        ),
    ]
