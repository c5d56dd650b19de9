"""A service region under a virtual clock: technicians, faults as they come, and who is sent.

`scenario` draws a region from a seed, `play` lets time pass, `policies` decide who goes where,
`hindsight` plans with everything known beforehand, `figures` says what came of it.
"""
