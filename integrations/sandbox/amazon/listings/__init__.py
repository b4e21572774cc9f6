"""The seller's listings (2021-08-01) and his stock in Amazon's warehouses."""
