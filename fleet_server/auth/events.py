"""Facts about people."""

from dataclasses import dataclass


@dataclass(frozen=True)
class AccountClosed:
    """Somebody cannot sign in any more; what they were accountable for needs another owner."""

    user_id: str
