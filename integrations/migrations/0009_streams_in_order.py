from django.db import migrations


class Migration(migrations.Migration):
    dependencies = [("integrations", "0008_privacy")]

    operations = [migrations.AlterModelOptions(name="stream", options={"ordering": ["id"]})]
