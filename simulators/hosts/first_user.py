"""The first person of an installation, added by the command line."""

import os
import subprocess
import sys
from collections.abc import Mapping
from pathlib import Path

from simulators.errors import SimulatorError

COMMAND_SECONDS_MAX = 60.0


def add_user(
    environment: Mapping[str, str], username: str, roles: list[str], password: str
) -> None:
    """Run `fleet-server user add` with the settings of a server."""
    secret = Path(environment["FLEET_DATA_DIR"]) / f"{username}.password"
    secret.write_text(password)
    secret.chmod(0o600)
    role_options = [part for role in roles for part in ("--role", role)]
    arguments = ["user", "add", username, *role_options, "--password-file", str(secret)]
    done = subprocess.run(
        [sys.executable, "-m", "fleet_server", *arguments],
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
        timeout=COMMAND_SECONDS_MAX,
        check=False,
    )
    secret.unlink()
    if done.returncode != 0:
        raise SimulatorError(f"fleet-server user add: {done.stderr[-500:]}")
