"""Products, variants, inventory items, locations and the stock that lies there."""
