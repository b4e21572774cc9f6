"""The hub as it runs in production: PostgreSQL, a broker, web, workers of every lane and the clock,
each a process that may be killed, against a simulated store over HTTP. Run by ``.ci/run``.
"""
