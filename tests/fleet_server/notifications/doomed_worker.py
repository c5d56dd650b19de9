"""A worker process that delivers one round to a webhook; the webhook kills it.

`python -m tests.fleet_server.notifications.doomed_worker DATA_DIR DATABASE_URL PORT NOW`: on the
database of a test, at its time.
"""

import sys
from datetime import datetime
from pathlib import Path

from fleet_server.app import build
from fleet_server.clock import ManualClock
from fleet_server.settings import Settings


def main(data_dir: str, database_url: str, port: str, now: str) -> None:
    """Deliver what is due."""
    settings = Settings(
        data_dir=Path(data_dir),
        database_url=database_url,
        notice_channels=[f"json://127.0.0.1:{port}/"],
    )
    server = build(settings, clock=ManualClock(datetime.fromisoformat(now)))
    server.deliverer.deliver_due()
    server.deliverer.settle(60)


if __name__ == "__main__":
    main(*sys.argv[1:])
