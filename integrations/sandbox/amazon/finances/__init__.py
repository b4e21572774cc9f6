"""What Amazon books for an order, and Finances 2024-06-19, which tells of it."""
