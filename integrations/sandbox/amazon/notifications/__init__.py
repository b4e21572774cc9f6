"""News for the application: where it is led, what of it, and how it gets into a queue at AWS."""
