"""Web shapes of technicians."""

from datetime import date, datetime
from typing import Self

from pydantic import AwareDatetime, Field, model_validator

from fleet_server.web.schemas import Order, View


class TechnicianOrder(Order):
    """`POST /technicians`."""

    name: str = Field(min_length=1, max_length=120)
    user_id: str | None = Field(None, max_length=36)
    phone: str = Field("", max_length=40)
    skills: list[str] = Field(min_length=1, max_length=50)
    region: str | None = Field(None, max_length=40)
    home_latitude: float = Field(ge=-90, le=90)
    home_longitude: float = Field(ge=-180, le=180)


class TechnicianView(View):
    """A technician."""

    id: str
    user_id: str | None
    name: str
    phone: str
    skills: list[str]
    region: str | None
    home_latitude: float
    home_longitude: float
    active: bool
    actions: list[str] = Field(default_factory=list)


class QualificationOrder(Order):
    """`POST /technicians/{id}/qualifications`; without `skill` it is the general one."""

    name: str = Field(min_length=1, max_length=120)
    skill: str | None = Field(None, max_length=40)
    passed_on: date | None = None
    expires_at: AwareDatetime


class QualificationView(View):
    """A qualification."""

    id: str
    technician_id: str
    name: str
    skill: str | None
    passed_on: date | None
    expires_at: datetime


class SpanOrder(Order):
    """`POST .../shifts`."""

    starts_at: AwareDatetime
    ends_at: AwareDatetime

    @model_validator(mode="after")
    def _forward(self) -> Self:
        if self.ends_at <= self.starts_at:
            raise ValueError("ends_at comes after starts_at")
        return self


class AbsenceOrder(SpanOrder):
    """`POST .../absences`."""

    reason: str = Field("", max_length=60)


class ShiftView(View):
    """A shift."""

    id: str
    technician_id: str
    starts_at: datetime
    ends_at: datetime


class AbsenceView(ShiftView):
    """An absence."""

    reason: str
