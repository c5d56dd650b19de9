"""What an eMMC says of its own wear, as Linux shows it."""

from pathlib import Path

import pytest

from edge_agent.storage_life import life_used_percent


def device(sysfs: Path, name: str, text: str) -> None:
    folder = sysfs / name / "device"
    folder.mkdir(parents=True)
    (folder / "life_time").write_text(text)


@pytest.mark.parametrize(
    ("text", "percent"),
    [
        ("0x01 0x02\n", 10),
        ("0x09 0x01\n", 80),
        ("0x0b 0x00\n", 100),
        ("0x00 0x00", None),
        ("", None),
        ("?", None),
    ],
)
def test_the_worse_of_the_two_estimates_counts(
    tmp_path: Path, text: str, percent: int | None
) -> None:
    device(tmp_path, "mmcblk0", text)
    assert life_used_percent(tmp_path) == percent


def test_the_most_worn_device_counts_and_none_tells_nothing(tmp_path: Path) -> None:
    assert life_used_percent(tmp_path) is None
    device(tmp_path, "mmcblk0", "0x02 0x02")
    device(tmp_path, "mmcblk1", "0x05 0x01")
    assert life_used_percent(tmp_path) == 40
