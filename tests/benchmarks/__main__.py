"""Runs benchmarks: `make bench` all, `make bench-NAME` one; a table and `build/bench/NAME.json`."""

import sys

from rich.console import Console

from tests.benchmarks.dispatch import run as dispatch
from tests.benchmarks.edge import run as edge
from tests.benchmarks.ingest import run as ingest
from tests.benchmarks.presence import run as presence
from tests.benchmarks.scaling import run as scaling

BENCHMARKS = {
    "dispatch": dispatch.run,
    "edge": edge.run,
    "ingest": ingest.run,
    "presence": presence.run,
    "scaling": scaling.run,
}


def main(names: list[str]) -> int:
    """Run the named benchmarks, or all."""
    unknown = [name for name in names if name not in BENCHMARKS]
    if unknown:
        Console().print(f"no benchmark {unknown}; there are {sorted(BENCHMARKS)}")
        return 2
    for name in names or BENCHMARKS:
        BENCHMARKS[name](Console())
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
