from django.apps import AppConfig


class AccountsConfig(AppConfig):
    name = "logix.accounts"
    label = "accounts"
    verbose_name = "Merchants and access"
    default_auto_field = "django.db.models.BigAutoField"
