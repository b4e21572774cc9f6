from django.db import migrations, models


class Migration(migrations.Migration):

    dependencies = [
        ('inventory', '0010_link_problems'),
    ]

    operations = [
        migrations.AddField(
            model_name='listing',
            name='backorders',
            field=models.BooleanField(db_default=False, default=False),
        ),
    ]
