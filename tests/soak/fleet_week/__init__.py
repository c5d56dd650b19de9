"""A week of service life through the real server: real routes, rows, sweeps, plans; moved clock.

`town` registers people, sites and cabinets over the HTTP API, `phones` are technicians who answer,
drive and work by it, `week` lets time pass and kills the server at its durable steps, `checks` says
what must hold. `make soak-week` plays the week of the issue: 50 technicians, 2,000 cabinets.
"""
