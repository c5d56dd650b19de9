"""Register profiles of plain devices; controllers and scales keep theirs with their drivers."""

from edge_agent.drivers.modbus.frames import Function
from edge_agent.drivers.modbus.profile import Profile, Row, RowKind

XY_MD02 = Profile(
    # Sources: qariya.net product page; domoticx.com/modbus-temp-hum-sensor-xy-md02.
    name="xy-md02",
    baud_rate=9_600,
    # The maker gives no answer time; 20 ms on the wire, and slow adapters add 16 ms either way.
    answer_seconds=0.3,
    rows=(
        Row("temperature_celsius", Function.READ_INPUT, 0x0001, RowKind.SIGNED, 0.1),
        Row("humidity_percent", Function.READ_INPUT, 0x0002, RowKind.UNSIGNED, 0.1),
    ),
)
