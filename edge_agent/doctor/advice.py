"""What to try for each way a device can fail; in the order a technician would."""

from edge_agent.drivers.errors import (
    BadFrameError,
    DeviceRefusedError,
    NoAnswerError,
    PortGoneError,
)
from protocol.rules import Notice

PORT_MISSING = Notice(
    zh="插好 USB 转换器，用 `ls /dev/serial/by-id` 查看名称，再改配置里的 port。",
    en="Plug the adapter in, look its name up with `ls /dev/serial/by-id`, correct `port`.",
)
PORT_BUSY = Notice(
    zh="端口被占用：先停止代理（systemctl stop edge-agent）或其他程序，再检查。",
    en="Another program holds it: stop the agent (systemctl stop edge-agent) or the other first.",
)
PORT_FORBIDDEN = Notice(
    zh="没有权限：把用户加入 dialout 组（usermod -aG dialout edge-agent）。",
    en="Not permitted: add the user to group dialout (usermod -aG dialout edge-agent).",
)
PORT_GONE = Notice(
    zh="转换器在检查中掉线：换 USB 口或换转换器。",
    en="The adapter vanished meanwhile: use another USB socket or another adapter.",
)
NO_ANSWER = Notice(
    zh="检查供电；A/B 线是否接反；地址、波特率是否与设备一致；总线终端电阻。",
    en="Check its power; A and B swapped; address and baud rate as set on it; termination.",
)
BAD_FRAME = Notice(
    zh="有回应但不可读：型号(kind)或波特率不对，或线路干扰、未接地。",
    en="It speaks but cannot be understood: wrong kind or baud rate, noise, or no common ground.",
)
REFUSED = Notice(
    zh="设备拒绝：型号(kind)或寄存器选项不对，查看 docs/hardware 中该设备的页面。",
    en="It refuses: wrong kind or register options; see its page in docs/hardware.",
)

_BY_ERROR = {
    NoAnswerError.__name__: NO_ANSWER,
    BadFrameError.__name__: BAD_FRAME,
    DeviceRefusedError.__name__: REFUSED,
    PortGoneError.__name__: PORT_GONE,
}


def for_error(name: str) -> Notice:
    """What to try for an error of a driver, by its name."""
    return _BY_ERROR.get(name, NO_ANSWER)


def for_port(reason: str) -> Notice:
    """What to try for a port that does not open, by what the system said."""
    lowered = reason.lower()
    if "permission" in lowered:
        return PORT_FORBIDDEN
    if "busy" in lowered or "lock" in lowered or "temporarily unavailable" in lowered:
        return PORT_BUSY
    return PORT_MISSING
