from django.apps import AppConfig


class WebhooksConfig(AppConfig):
    name = "webhooks"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from integrations.connect import signals
        from integrations.outbox import gate
        from integrations.privacy import signals as privacy_signals
        from logix import health
        from orders import signals as order_signals
        from webhooks import erasing, upkeep

        gate.add_source(upkeep.has_unapplied_orders)
        health.register(upkeep.metrics)
        signals.store_opened.connect(upkeep.on_store_opened, dispatch_uid="webhooks.rearm")
        order_signals.buyer_erased.connect(erasing.on_buyer_erased, dispatch_uid="webhooks.erase")
        privacy_signals.erased.connect(erasing.on_erased, dispatch_uid="webhooks.erased")
