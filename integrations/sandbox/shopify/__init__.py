"""A stateful Shopify store: Admin GraphQL, OAuth, webhooks, bulk operations and faults, held to the
official schema of 2026-07.
"""
