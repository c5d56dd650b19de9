"""What people and programs at the cabinet can ask wrongly; nothing is changed by any of it."""

from enum import StrEnum

from edge_agent.errors import OutsideError


class UnknownSlotError(OutsideError):
    """The cabinet has no such slot."""

    def __init__(self, slot: str) -> None:
        super().__init__(f"this cabinet has no slot {slot!r}")
        self.slot = slot


class UnknownDoorError(OutsideError):
    """The cabinet has no such door."""

    def __init__(self, door: str) -> None:
        super().__init__(f"this cabinet has no door {door!r}")
        self.door = door


class PaymentReferenceReusedError(OutsideError):
    """Another order came under a payment reference that was used."""

    def __init__(self, payment_reference: str) -> None:
        super().__init__(f"payment reference {payment_reference!r} belongs to another order")
        self.payment_reference = payment_reference


class SealingKeyMissingError(OutsideError):
    """A contact was given, but this cabinet has no key to seal it to; it is never kept clear."""

    def __init__(self) -> None:
        super().__init__("no sealing key: the contact cannot be kept")


class NoOpenDoorError(OutsideError):
    """A door session was asked for, but this cabinet sells by slot."""

    def __init__(self) -> None:
        super().__init__("this cabinet sells by slot: use /v1/vends")


class SessionNeededError(OutsideError):
    """A single slot was asked for, but this cabinet has one door: goods are taken in a session."""

    def __init__(self, slot: str) -> None:
        super().__init__(f"slot {slot!r} is behind the one door: use /v1/sessions")
        self.slot = slot


class DoorBusyError(OutsideError):
    """A door may not be opened by hand: a buyer is at it."""

    def __init__(self, door: str) -> None:
        super().__init__(f"door {door}: a vend is under way")
        self.door = door


class StockRefusal(StrEnum):
    """Why goods are not loaded, counted or removed as asked."""

    BUSY = "busy"
    OTHER_PRODUCT = "other_product"
    DATE_NEEDED = "date_needed"
    BLOCKED = "blocked"
    EXPIRED = "expired"
    NOT_BOOKED = "not_booked"
    QUANTITY = "quantity"


_STOCK_REFUSALS = {
    StockRefusal.BUSY: "a vend is under way",
    StockRefusal.OTHER_PRODUCT: "another product is planned here",
    StockRefusal.DATE_NEEDED: "perishable goods need their expiry date",
    StockRefusal.BLOCKED: "the goods are blocked",
    StockRefusal.EXPIRED: "the goods are expired",
    StockRefusal.NOT_BOOKED: "more than the book has: count first",
    StockRefusal.QUANTITY: "the quantity is out of bounds",
}


class StockRefusedError(OutsideError):
    """Goods may not be loaded, counted or removed as asked; `detail` is what was wanted instead."""

    def __init__(self, slot: str, refusal: StockRefusal, detail: str = "") -> None:
        why = _STOCK_REFUSALS[refusal]
        super().__init__(f"slot {slot}: {why}" + (f" ({detail})" if detail else ""))
        self.slot = slot
        self.refusal = refusal
        self.detail = detail
