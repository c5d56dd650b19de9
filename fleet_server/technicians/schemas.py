"""Web shapes of technicians."""

from datetime import date, datetime
from typing import Annotated, Self

from pydantic import AfterValidator, AwareDatetime, Field, model_validator

from fleet_server.technicians.rules import (
    BREAKS_MAX,
    LEVEL_MAX,
    LEVEL_MIN,
    SKILLS,
)
from fleet_server.web.schemas import Order, View


def known_skill(skill: str) -> str:
    """Return it; ValueError, naming the known ones, for a skill nobody has."""
    if skill not in SKILLS:
        raise ValueError(f"unknown skill {skill!r}; known are {', '.join(sorted(SKILLS))}")
    return skill


Skill = Annotated[str, Field(max_length=40), AfterValidator(known_skill)]
Latitude = Annotated[float, Field(ge=-90, le=90)]
Longitude = Annotated[float, Field(ge=-180, le=180)]


class SkillView(View):
    """One skill."""

    name: str
    title_zh: str
    title_en: str


class SkillsView(View):
    """Every skill there is."""

    items: list[SkillView]


class TechnicianOrder(Order):
    """`POST /technicians`."""

    name: str = Field(min_length=1, max_length=120)
    user_id: str | None = Field(None, max_length=36)
    phone: str = Field("", max_length=40)
    skills: list[Skill] = Field(min_length=1, max_length=50)
    region: str | None = Field(None, max_length=40)
    home_latitude: Latitude
    home_longitude: Longitude
    depot_id: str | None = Field(None, max_length=36)


class TechnicianChange(Order):
    """`PATCH /technicians/{id}`: what is left out stays.

    `active: false` takes them out of service; while visits of theirs are open that needs
    `release_visits`, which gives those to others.
    """

    name: str | None = Field(None, min_length=1, max_length=120)
    phone: str | None = Field(None, max_length=40)
    skills: list[Skill] | None = Field(None, min_length=1, max_length=50)
    region: str | None = Field(None, max_length=40)
    home_latitude: Latitude | None = None
    home_longitude: Longitude | None = None
    depot_id: str | None = Field(None, max_length=36)
    active: bool | None = None
    release_visits: bool = False

    @model_validator(mode="after")
    def _keeps_what_must_be(self) -> Self:
        nullable = {"region", "depot_id"}
        for name in self.model_fields_set - nullable:
            if getattr(self, name) is None:
                raise ValueError(f"{name} cannot be empty")
        return self


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
    depot_id: str | None
    active: bool
    position_consent_at: datetime | None
    actions: list[str] = Field(default_factory=list)


class QualificationOrder(Order):
    """`POST /technicians/{id}/qualifications`; without `skill` it is the general one."""

    name: str = Field(min_length=1, max_length=120)
    skill: Skill | None = None
    level: int = Field(LEVEL_MIN, ge=LEVEL_MIN, le=LEVEL_MAX)
    passed_on: date | None = None
    expires_at: AwareDatetime


class QualificationView(View):
    """A qualification."""

    id: str
    technician_id: str
    name: str
    skill: str | None
    level: int
    passed_on: date | None
    expires_at: datetime
    actions: list[str] = Field(default_factory=list)


class BreakShape(Order):
    """A break inside a shift."""

    starts_at: AwareDatetime
    ends_at: AwareDatetime


class ShiftOrder(Order):
    """`POST .../shifts`; which ones are possible: `rules.check_shift`."""

    starts_at: AwareDatetime
    ends_at: AwareDatetime
    breaks: list[BreakShape] = Field(default_factory=list, max_length=BREAKS_MAX)


class AbsenceOrder(Order):
    """`POST .../absences`."""

    starts_at: AwareDatetime
    ends_at: AwareDatetime
    reason: str = Field("", max_length=60)

    @model_validator(mode="after")
    def _forward(self) -> Self:
        if self.ends_at <= self.starts_at:
            raise ValueError("ends_at comes after starts_at")
        return self


class BreakView(View):
    """A break."""

    starts_at: datetime
    ends_at: datetime


class ShiftView(View):
    """A shift."""

    id: str
    technician_id: str
    starts_at: datetime
    ends_at: datetime
    breaks: list[BreakView] = Field(default_factory=list)
    actions: list[str] = Field(default_factory=list)


class AbsenceView(View):
    """An absence; `visit_ids`: visits it took from them, and those under way that it touches."""

    id: str
    technician_id: str
    starts_at: datetime
    ends_at: datetime
    reason: str
    visit_ids: list[str]
    actions: list[str] = Field(default_factory=list)


class ConsentOrder(Order):
    """`PUT .../position-consent`."""

    given: bool


class ConsentView(View):
    """Whether a position may be kept, and since when."""

    technician_id: str
    given_at: datetime | None
    actions: list[str] = Field(default_factory=list)


class PositionOrder(Order):
    """`PUT .../position`; it is rounded before it is kept."""

    latitude: Latitude
    longitude: Longitude


class PositionView(View):
    """Where somebody was last, to about 1 km."""

    technician_id: str
    latitude: float
    longitude: float
    at: datetime
    actions: list[str] = Field(default_factory=list)
