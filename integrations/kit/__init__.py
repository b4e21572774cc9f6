"""The ground every adapter stands on: HTTP, limits, signatures, paging. Knows no platform."""
