"""Table of leases."""

from datetime import datetime

from sqlalchemy import BigInteger, String
from sqlalchemy.orm import Mapped, mapped_column

from fleet_server.database import Table, UtcDateTime


class Lease(Table):
    """One thing that one process at a time does: `shard/07`, `timers`."""

    __tablename__ = "leases"

    name: Mapped[str] = mapped_column(String(40), primary_key=True)
    holder: Mapped[str] = mapped_column(String(80))
    """Process that has it; empty when it was given back."""
    fence: Mapped[int] = mapped_column(BigInteger)
    """Rises with each new holder: tells one term from the next."""
    expires_at: Mapped[datetime] = mapped_column(UtcDateTime)
    """By the clock of the server that holds it. Clocks that differ by seconds cost a double or a
    late owner, which is safe (`service.py`)."""
