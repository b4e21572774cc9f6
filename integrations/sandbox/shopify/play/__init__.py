"""How people, tests and the demo play the store: control page and API, faults, traffic."""
