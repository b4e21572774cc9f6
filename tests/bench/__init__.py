"""The benchmark: what Logix costs beside what the machine and PostgreSQL can do without it."""
