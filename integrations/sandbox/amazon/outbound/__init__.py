"""Multi-channel fulfilment: what Amazon sends from its warehouses for orders of other shops."""
