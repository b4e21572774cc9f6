"""How people, tests and the demo play the account: control page and API, faults, traffic."""
