"""What a cabinet and the server agree on: names, messages, signatures, rule matching, faults.

Pure: nothing here reaches a network, a disk or a clock. The clauses (P-0 .. P-21) are those of
protocol v1; `docs/protocol.md` says which module carries which and which test proves it.
"""
