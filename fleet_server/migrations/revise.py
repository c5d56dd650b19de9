"""Write the next migration from the difference between tables and newest schema.

`python -m fleet_server.migrations.revise "what changes"`: a draft, to be read and mended by hand.
"""

import sys
import tempfile
from pathlib import Path

from alembic import command
from alembic.config import Config

from fleet_server.database import connect
from fleet_server.migrations import migrate


def main(message: str) -> None:
    """Draft a migration named after `message` beside the others."""
    with tempfile.TemporaryDirectory() as folder:
        engine = connect(f"sqlite:///{Path(folder) / 'schema.sqlite'}")
        migrate(engine)
        with engine.begin() as connection:
            config = Config()
            config.set_main_option("script_location", str(Path(__file__).parent))
            config.attributes["connection"] = connection
            number = len(list((Path(__file__).parent / "versions").glob("*.py"))) + 1
            command.revision(config, message, autogenerate=True, rev_id=f"{number:04d}")
        engine.dispose()


if __name__ == "__main__":
    main(sys.argv[1])
