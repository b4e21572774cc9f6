from django.apps import AppConfig
from django.db.models.signals import post_migrate


class IntegrationsConfig(AppConfig):
    name = "integrations"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from integrations import metrics, receivers, schedule
        from logix import health

        receivers.connect()
        health.register(metrics.collect)
        post_migrate.connect(schedule.ensure, sender=self)
