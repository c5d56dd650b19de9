"""The plot of `make bench-dispatch`: % on time over load, one line a policy, with intervals."""

from collections.abc import Iterable
from pathlib import Path

import matplotlib as mpl

mpl.use("svg")
import matplotlib.pyplot as plt  # after the backend is chosen

from simulators.dispatch.figures import Figures


def plot(
    found: dict[tuple[str, float], Figures],
    loads: Iterable[float],
    names: Iterable[str],
    path: Path,
) -> None:
    """Write the picture."""
    drawn = sorted(loads)
    figure, axes = plt.subplots(figsize=(8, 5))
    for name in names:
        shares = [found[name, load].all_on_time for load in drawn]
        middles = [share.percent for share in shares]
        below = [share.percent - share.interval[0] for share in shares]
        above = [share.interval[1] - share.percent for share in shares]
        percent = [100 * load for load in drawn]
        axes.errorbar(percent, middles, yerr=[below, above], label=name, capsize=3, marker="o")
    axes.set_xlabel("load, % of working time")
    axes.set_ylabel("% on time")
    axes.grid(visible=True, alpha=0.3)
    axes.legend()
    path.parent.mkdir(parents=True, exist_ok=True)
    figure.savefig(path)
    plt.close(figure)
