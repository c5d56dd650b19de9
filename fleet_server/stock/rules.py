"""Pure: the arithmetic of one stock line.

loaded = sold + in cabinet + removed + transferred + explained + unexplained (recalls, Removal).
A count sets what is in the cabinet; what it cannot account for is unexplained until a second
person explains it. A surplus is negative. Nothing is refused here: the cabinet's word is a fact.
"""

from dataclasses import dataclass, replace
from datetime import date
from enum import StrEnum

from fleet_server.errors import InvalidError


class MovementKind(StrEnum):
    """What moved a line."""

    LOADED = "loaded"
    SOLD = "sold"
    REMOVED = "removed"
    COUNTED = "counted"
    EXPLAINED = "explained"


@dataclass(frozen=True)
class Units:
    """Units of one stock line, by what became of them."""

    loaded: int = 0
    sold: int = 0
    removed: int = 0
    transferred: int = 0
    explained: int = 0
    unexplained: int = 0
    in_cabinet: int = 0

    @property
    def gone(self) -> int:
        """Units that are not in the cabinet any more, however they went."""
        return self.sold + self.removed + self.transferred + self.explained + self.unexplained

    @property
    def balances(self) -> bool:
        """Whether every loaded unit is accounted for."""
        return self.loaded == self.in_cabinet + self.gone

    def __add__(self, other: "Units") -> "Units":
        return Units(
            **{
                name: getattr(self, name) + getattr(other, name)
                for name in Units.__dataclass_fields__
            }
        )


def after(units: Units, kind: MovementKind, quantity: int) -> Units:
    """Units after one movement. Raises InvalidError for explaining more than is unexplained."""
    if kind is MovementKind.LOADED:
        moved = {"loaded": units.loaded + quantity, "in_cabinet": units.in_cabinet + quantity}
    elif kind is MovementKind.SOLD:
        moved = {"sold": units.sold + quantity, "in_cabinet": units.in_cabinet - quantity}
    elif kind is MovementKind.REMOVED:
        moved = {"removed": units.removed + quantity, "in_cabinet": units.in_cabinet - quantity}
    elif kind is MovementKind.COUNTED:
        missing = units.in_cabinet - quantity
        moved = {"unexplained": units.unexplained + missing, "in_cabinet": quantity}
    else:
        _check_explanation(units.unexplained, quantity)
        moved = {
            "unexplained": units.unexplained - quantity,
            "explained": units.explained + quantity,
        }
    return replace(units, **moved)


def one_date(known: date | None, stated: date | None, *, is_first: bool) -> date | None:
    """Date of all units of a line; None as soon as they differ or one is not known."""
    return stated if is_first or known == stated else None


def _check_explanation(unexplained: int, quantity: int) -> None:
    same_sign = unexplained * quantity > 0
    if not same_sign or abs(quantity) > abs(unexplained):
        raise InvalidError("quantity", f"{unexplained} units are unexplained")
