"""Shopify Payments: the account, its payouts and balance transactions."""
