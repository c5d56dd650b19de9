"""Bodies of requests, and the one function that reads them. Unknown fields are errors."""

from datetime import date
from typing import Annotated, Any, TypeVar

import msgspec

from edge_agent.detection import temp_safety_hold
from edge_agent.local_api.calls import Call
from protocol.gs1_scan import SCAN_CHARS_MAX

T = TypeVar("T", bound=msgspec.Struct)
Word = Annotated[str, msgspec.Meta(max_length=128)]
Name = Annotated[str, msgspec.Meta(min_length=1, max_length=128)]
Line = Annotated[str, msgspec.Meta(max_length=SCAN_CHARS_MAX)]


class VendRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`POST /v1/vends`."""

    payment_reference: Name
    slot: Name
    contact: Word = ""
    buyer_reference: Word = ""


class SessionRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`POST /v1/sessions`."""

    payment_reference: Name
    contact: Word = ""
    buyer_reference: Word = ""


class PaymentRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`POST /v1/payments`: for one unit of a slot, or for the one door when `slot` is left out."""

    payment_reference: Name
    slot: Word = ""


class ConfirmRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`POST /v1/payments/confirm`."""

    payment_reference: Name


class StockRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`POST /v1/stock/loads|counts|removals`; for a count, `quantity` is what was found."""

    slot: Name
    gtin: Name
    quantity: int
    lot: Name | None = None
    expiry: date | None = None
    production: date | None = None
    why: Word = ""
    bag: Word = ""


class ReleaseRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`POST /v1/service/release-hold`; without a part: the fault on every part."""

    code: Name = temp_safety_hold.CODE
    part: Word = ""


class UnlockRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`POST /v1/service/unlock`: a door, or a slot behind it."""

    door: Name


class ScanRequest(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """`POST /v1/scan`: the line that the scanner typed."""

    text: Line


def read_body(call: Call, kind: type[T]) -> T:
    """Body of a call -> its typed form. Raises msgspec.ValidationError, msgspec.DecodeError."""
    read: Any = msgspec.json.decode(call.body or b"{}", type=kind)
    return read  # type: ignore[no-any-return]  # msgspec gives the type it was asked for
