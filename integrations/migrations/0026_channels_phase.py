"""The nightly comparison looks at what each channel of a store offers as well."""

from django.db import migrations, models


class Migration(migrations.Migration):
    dependencies = [("integrations", "0025_hub_app_secrets")]

    operations = [
        migrations.AlterField(
            model_name="reconciliation",
            name="phase",
            field=models.CharField(
                choices=[
                    ("lists", "Lists of orders"),
                    ("missing", "Orders missing here"),
                    ("unlisted", "Orders the store does not list"),
                    ("gone", "Orders deleted at the store"),
                    ("sample", "Sample of orders"),
                    ("stock", "Stock figures"),
                    ("zeros", "Stock figures of 0"),
                    ("channels", "Listings in every channel"),
                    ("products", "Items that could not be compared"),
                    ("done", "Done"),
                ],
                default="lists",
                max_length=8,
            ),
        ),
    ]
