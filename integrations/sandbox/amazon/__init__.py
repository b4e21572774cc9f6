"""A stateful Amazon seller account: Login with Amazon, the Selling Partner API of one region with
its quotas, the consent pages of Seller Central and faults, held to the official models of 2026-08.
"""
