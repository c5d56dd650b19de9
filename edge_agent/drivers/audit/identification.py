"""ID1, ID4, ID5 and the devices that name themselves."""

from edge_agent.drivers.audit.grammar import Segment
from edge_agent.drivers.audit.notes import Notes
from edge_agent.drivers.audit.report import Device, Identification
from edge_agent.drivers.audit.segment_index import SegmentIndex

DECIMALS_DEFAULT = 2  # EVA-DTS 6.2, 2: implied decimal point
DECIMALS_MAX = 4  # no currency has more


def identification(index: SegmentIndex, notes: Notes) -> Identification:
    """Read who the machine says it is."""
    machine, dxs = index.one("ID1"), index.one("DXS")
    money, clock = index.one("ID4"), index.one("ID5")
    return Identification(
        serial=machine.text(1),
        model=machine.text(2),
        software=machine.text(3),
        location=machine.text(4),
        user_text=machine.text(5),
        asset_number=machine.text(6),
        dxs_id=dxs.text(1),
        dxs_version=dxs.text(3),
        decimals=_decimals(money, notes),
        currency=_currency(money.text(3)),
        currency_number=money.text(2),
        machine_clock=moment(clock, 1),
        control_board=device(index.one("CB1")),
        audit_module=device(index.one("AM1")),
        gateway=device(index.one("FA1")),
    )


def device(segment: Segment) -> Device | None:
    """Read a device that names itself; None if it says nothing."""
    if segment.is_empty:
        return None
    return Device(*(segment.text(position) for position in range(1, 6)))


def moment(segment: Segment, position: int) -> str:
    """Return date and time as reported, YYMMDD or YYYYMMDD and HHMM or HHMMSS."""
    return f"{segment.text(position)} {segment.text(position + 1)}".strip()


def _decimals(money: Segment, notes: Notes) -> int:
    decimals = money.number(1, notes)
    if decimals is None:
        return DECIMALS_DEFAULT
    if not 0 <= decimals <= DECIMALS_MAX:
        notes.add(f"ID401: {decimals} decimals cannot be; {DECIMALS_DEFAULT} taken")
        return DECIMALS_DEFAULT
    return decimals


def _currency(text: str) -> str:
    """Return an ISO 4217 code; machines put other things here too (`5`, `050`)."""
    return text.upper() if len(text) == 3 and text.isascii() and text.isalpha() else ""
