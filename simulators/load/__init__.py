"""Thousands of cabinets in one process, true to protocol v1: what the server is measured with.

Not the agent: no disk, no hardware. Each has an outbox, obeys receipts, holds rules and refuses
what they block. One thread, one epoll, our own packets: a cabinet costs a few microseconds a
message, so that the tool can share two cores with what it measures (ADR 0018).
"""
