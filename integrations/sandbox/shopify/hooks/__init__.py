"""Webhook subscriptions and the deliveries they cause."""
