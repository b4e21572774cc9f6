"""A platform that asks for consent (OAuth 2), with a site of its own over real HTTP. It tests what
the hub does around tokens; what real platforms do is the simulators' business.
"""
