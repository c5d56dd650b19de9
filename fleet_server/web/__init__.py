"""What every `api.py` shares: context, problem+json, cursor pages, idempotent creation.

No feature and no rule lives here (ADR 0003: added to the order of packages, between auth and
audit, because each feature's routes need it).
"""
