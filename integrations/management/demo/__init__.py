"""The demonstration: every process of an embedded hub and a simulated store, started and stopped
together.
"""
