"""EVA event codes: what they are made of, and which fault of our catalogue they mean.

`ELB_501` = E (equipment) L (product) B (sold out), selection 501 (EVA-DTS 6.2, C.2). The fault
catalogue names the codes of its rows; where several rows share a code, or a whole unit means one
fault, the choice stands here. A public table of "predefined hex events 00-7F" claims to be part
of the standard and is not: it is not used.
"""

import re
from collections.abc import Mapping
from types import MappingProxyType
from typing import NamedTuple

from protocol.faults import CATALOGUE

_CODE = re.compile(r"([EO][A-Z](?:2[A-Z]|1[A-Z]|[A-Z])?)(?:_?([0-9][0-9A-Za-z]{0,7}))?")
# MDB codes are hexadecimal and may begin with a letter (EAU_xxyy, EKU_xx, ENU_xx).
_MDB_CODE = re.compile(r"(E[AKN]2?U)_([0-9A-Fa-f]{1,4})")
# Selections have names like 501, 12, A3.
_SELECTION_CODE = re.compile(r"(E[JL][A-Z]?)(?:_([A-Za-z]{0,2}[0-9]{1,6}[A-Za-z]?)|([0-9]{1,6}))")

# Codes that stand in several rows, or say too little; None: too many things to name one.
SHARED: Mapping[str, str | None] = MappingProxyType(
    {
        "EGC": "LOCK_OPEN_FAIL",  # a latch that does not hold is only seen by our own sensors
        "OCA": "DOOR_FORCED",
        "OCF": "POWER_LOST",
        "ECO": "STORAGE_WEAR",
        "OBE": "EXPIRY_LOCK",
        "ECZ": None,
        "EC": None,  # one row only, but the code says no more than "control unit"
    }
)

# Whole units, where the catalogue has one row for all that can break in it.
_UNITS: Mapping[str, str] = MappingProxyType(
    {"EA": "COIN_MECH", "EK": "PAY_READER_OFFLINE", "EN": "BILL_VALIDATOR"}
)
_NO_FAULT_LETTERS = "VWXY"  # modified, no fault found, client, service (6.2, C.2.3)

# Codes no row names.
_OTHERS: Mapping[str, str] = MappingProxyType(
    {
        "EJM": "VEND_FAIL",
        "EON": "EVAPORATOR_ICED",
        "EOO": "EVAPORATOR_ICED",
        "EOP": "EVAPORATOR_ICED",
        "DO": "DOOR_OPEN_LONG",  # before 6.0
    }
)


class EventCode(NamedTuple):
    """A code in its parts; free texts of makers have only `code`."""

    code: str
    selection: str | None = None
    device: str | None = None


def parsed(reported: str) -> EventCode:
    """Split a reported code into code and suffix."""
    text = reported.strip()
    if found := _SELECTION_CODE.fullmatch(text):
        return EventCode(found[1], selection=found[2] or found[3])
    if found := _MDB_CODE.fullmatch(text) or _CODE.fullmatch(text):
        return EventCode(found[1], device=found[2] or _second_reader(found[1]))
    return EventCode(text)


def fault_of(code: str) -> str | None:
    """Return the code of our catalogue that this EVA code (without suffix) means, or None."""
    if code in SHARED:
        return SHARED[code]
    if code in _BY_CODE:
        return _BY_CODE[code]
    first_reader = code.replace("EK2", "EK", 1)
    if first_reader != code:
        return fault_of(first_reader)
    if len(code) == 3 and code[2] not in _NO_FAULT_LETTERS:
        return _UNITS.get(code[:2])
    return None


def _second_reader(code: str) -> str | None:
    return "2" if code.startswith("EK2") else None


def _by_code() -> dict[str, str]:
    """Turn the catalogue round; the first row that names a code has it."""
    found = dict(_OTHERS)
    for row in CATALOGUE.values():
        for code in row.eva:
            found.setdefault(code, row.code)
    return found


_BY_CODE = _by_code()
