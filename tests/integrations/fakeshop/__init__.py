"""A platform that lives in memory: a shop whose answers a test chooses, and an adapter that asks it
without HTTP. It tests what the hub does around an adapter; what real stores do is the simulators'
business.
"""
