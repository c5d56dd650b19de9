"""Messages to cabinets, as rows of the transaction that caused them.

Only the promise "will be handed to the broker once the broker is there" lives here. That a
cabinet really holds what it should is the business of versions and counters (P-0, P-14, P-15).
"""
