"""How much of its life the eMMC has used, by its own word (JEDEC eMMC 5.0, EXT_CSD 268 and 269).

Linux shows both estimates in `/sys/block/mmcblk*/device/life_time`, as two bytes: 0x01 is 0-10 % of
its life used, 0x0A is 90-100 %, 0x0B more. SD cards and disks show nothing: then nobody knows.
"""

from pathlib import Path

PERCENT_PER_STEP = 10
SYSFS = Path("/sys/block")


def life_used_percent(sysfs: Path = SYSFS) -> int | None:
    """Percent of its life that the most worn eMMC has used at least; None when none tells."""
    found = [
        used
        for path in sorted(sysfs.glob("mmcblk*/device/life_time"))
        if (used := _percent_in(path)) is not None
    ]
    return max(found, default=None)


def _percent_in(path: Path) -> int | None:
    try:
        steps = [int(word, 16) for word in path.read_text().split()]
    except (OSError, ValueError):
        return None  # a card that does not tell is no fault of the card
    known = [step for step in steps if step > 0]
    return (max(known) - 1) * PERCENT_PER_STEP if known else None
