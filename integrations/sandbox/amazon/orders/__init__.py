"""Orders 2026-01-01 and the shipment confirmation of v0."""
