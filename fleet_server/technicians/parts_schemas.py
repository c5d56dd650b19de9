"""Web shapes of locations, parts and van stock.

Split from `schemas.py` by object.
"""

from datetime import datetime
from typing import Annotated, Self

from pydantic import Field, model_validator

from fleet_server.technicians.rules import LocationKind, MovementKind
from fleet_server.technicians.schemas import Latitude, Longitude, Skill
from fleet_server.web.schemas import Order, View

PartCode = Annotated[str, Field(min_length=1, max_length=40, pattern=r"^[A-Z0-9][A-Z0-9_.-]*$")]


class LocationOrder(Order):
    """`POST /locations`; a van needs no place of its own."""

    kind: LocationKind
    name: str = Field(min_length=1, max_length=120)
    address: str = Field("", max_length=300)
    region: str | None = Field(None, max_length=40)
    latitude: Latitude | None = None
    longitude: Longitude | None = None

    @model_validator(mode="after")
    def _somewhere(self) -> Self:
        if (self.latitude is None) != (self.longitude is None):
            raise ValueError("latitude and longitude come together")
        if self.latitude is None and self.kind is not LocationKind.VAN:
            raise ValueError(f"a {self.kind} has a place")
        return self


class LocationView(View):
    """A location."""

    id: str
    kind: LocationKind
    name: str
    address: str
    region: str | None
    latitude: float | None
    longitude: float | None
    actions: list[str] = Field(default_factory=list)


class PartOrder(Order):
    """`POST /parts`."""

    code: PartCode
    name_zh: str = Field(min_length=1, max_length=120)
    name_en: str = Field(min_length=1, max_length=120)
    skills: list[Skill] = Field(default_factory=list, max_length=20)
    fault_codes: list[Annotated[str, Field(max_length=40)]] = Field(
        default_factory=list, max_length=50
    )
    components: list[Annotated[str, Field(max_length=40)]] = Field(
        default_factory=list, max_length=50
    )


class PartView(View):
    """A part."""

    code: str
    name_zh: str
    name_en: str
    skills: list[str]
    fault_codes: list[str]
    components: list[str]
    actions: list[str] = Field(default_factory=list)


class PartCount(Order):
    """So many of a part."""

    part: PartCode
    quantity: int = Field(1, ge=1, le=100)


class NeedsOrder(Order):
    """`PUT /part-needs/{fault_code}`: the whole list; an empty one says that nothing is needed."""

    parts: list[PartCount] = Field(max_length=20)

    @model_validator(mode="after")
    def _once_each(self) -> Self:
        if len({one.part for one in self.parts}) < len(self.parts):
            raise ValueError("a part stands twice")
        return self


class NeededView(View):
    """So many of a part."""

    part: str
    quantity: int


class NeedsView(View):
    """What the repair of a fault usually takes."""

    fault_code: str
    parts: list[NeededView]
    actions: list[str] = Field(default_factory=list)


class AllNeedsView(View):
    """Needs by fault."""

    items: list[NeedsView]


class MovementOrder(Order):
    """`POST .../stock`: `count` says how many are there, the others how many move."""

    kind: MovementKind
    part: PartCode
    quantity: int = Field(ge=0, le=10_000)
    location_id: str | None = Field(None, max_length=36)
    reason: str = Field("", max_length=200)

    @model_validator(mode="after")
    def _something(self) -> Self:
        if self.quantity == 0 and self.kind is not MovementKind.COUNT:
            raise ValueError("quantity: only a count may be 0")
        return self


class StockItemView(View):
    """So many of a part in a van."""

    part: str
    name_zh: str
    name_en: str
    quantity: int


class StockView(View):
    """What a technician has in the van."""

    technician_id: str
    items: list[StockItemView]
    actions: list[str] = Field(default_factory=list)


class MovementView(View):
    """One change of a van's stock, and how many there are after it."""

    id: str
    technician_id: str
    part_code: str
    kind: MovementKind
    quantity: int
    change: int
    location_id: str | None
    ticket_id: str | None
    reason: str
    actor: str
    at: datetime
    left: int | None = None
    actions: list[str] = Field(default_factory=list)
