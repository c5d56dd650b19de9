"""Options of one device: its kind's defaults filled in, each value checked when it is asked for."""

from collections.abc import Collection

from edge_agent.drivers.errors import DeviceSettingsError
from edge_agent.drivers.kinds import DeviceKind, options_of
from edge_agent.settings import DeviceSettings


class Options:
    """Options of a device whose names and types `kinds.check` has accepted."""

    def __init__(self, device: DeviceSettings, kind: DeviceKind) -> None:
        self._device = device.name
        self._values = {**options_of(device, kind), **device.options}

    def whole(self, key: str, allowed: range) -> int:
        """A whole number within a range. Raises DeviceSettingsError."""
        value = int(self._values[key])
        if value not in allowed:
            raise self.refused(key, f"{value} is not within {allowed[0]} to {allowed[-1]}")
        return value

    def number(self, key: str) -> float:
        """A number."""
        return float(self._values[key])

    def flag(self, key: str) -> bool:
        """True or false."""
        return bool(self._values[key])

    def text(self, key: str) -> str:
        """A word; the empty one for an option that the kind does not have."""
        return str(self._values.get(key, ""))

    def one_of(self, key: str, known: Collection[str]) -> str:
        """A word out of several. Raises DeviceSettingsError."""
        word = self.text(key)
        if word not in known:
            raise self.refused(key, f"{word!r} is none of {', '.join(sorted(known))}")
        return word

    def refused(self, key: str, reason: str) -> DeviceSettingsError:
        """The error for an option that cannot be."""
        return DeviceSettingsError(device=self._device, key=f"options.{key}", reason=reason)
