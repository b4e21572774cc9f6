"""A stateful WooCommerce store: wc/v3 REST, keys, webhooks and faults, as recorded from real
stores.
"""
