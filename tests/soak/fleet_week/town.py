"""The town: regions, sites, cabinets, technicians with real shifts, all made by the HTTP API."""

import random  # noqa: TID251  # drawn from a seed
from dataclasses import dataclass
from datetime import datetime, timedelta
from typing import Any
from zoneinfo import ZoneInfo

from fleet_server.app import FleetServer
from fleet_server.auth.rules import Role
from tests.web_client import Session, WebClient

SHANGHAI = ZoneInfo("Asia/Shanghai")
REGIONS = ("east", "west")
CABINETS_A_SITE = 4
SKILLS = ("door", "lock", "electronics", "payment", "refrigeration", "connectivity", "restock")
CODES = {
    "DOOR_OPEN_LONG": ("door1", 0.5),
    "LOCK_OPEN_FAIL": ("door1", 0.3),
    "LOCK_NOT_LATCHED": ("door1", 0.2),
}
"""Fault codes with their part and how often they come."""


@dataclass(frozen=True)
class Person:
    """A technician with their phone."""

    id: str
    phone: Session
    name: str


@dataclass(frozen=True)
class Order:
    """How large a town, and for how long people have shifts."""

    technicians: int = 50
    cabinets: int = 2_000
    days: int = 7


class Town:
    """Everybody and everything, as the API made them."""

    def __init__(
        self, server: FleetServer, api: WebClient, order: Order, chance: random.Random
    ) -> None:
        self.server, self.api, self.order = server, api, order
        self._chance = chance
        self._admin = api.as_(Role.ADMIN)
        self.dispatcher = api.as_(Role.DISPATCHER)
        self.supervisor = api.as_(Role.SUPERVISOR)
        self.cabinets: list[str] = []
        self.site_of: dict[str, dict[str, Any]] = {}
        self.people: list[Person] = []

    def build(self, now: datetime) -> None:
        """Register everything."""
        self._sites()
        for number in range(self.order.technicians):
            self.people.append(self._person(number, now))

    def _sites(self) -> None:
        ids = [f"C{number:04d}" for number in range(self.order.cabinets)]
        for number, group in enumerate(_batched(ids, CABINETS_A_SITE)):
            region = REGIONS[number % len(REGIONS)]
            east = 121.3 + 0.25 * REGIONS.index(region)
            site = self._admin.post(
                "/sites",
                {
                    "name": f"Site {number}",
                    "address": f"{number} Long Road",
                    "region": region,
                    "latitude": 31.1 + 0.2 * self._chance.random(),
                    "longitude": east + 0.2 * self._chance.random(),
                },
            )
            for cabinet_id in group:
                serial = f"SN-{cabinet_id}"
                body = {"id": cabinet_id, "serial_number": serial, "site_id": site["id"]}
                self._admin.post("/cabinets", body)
                self.site_of[cabinet_id] = site
                self.cabinets.append(cabinet_id)

    def _person(self, number: int, now: datetime) -> Person:
        name = f"technician-{number}"
        phone = self.api.as_(Role.TECHNICIAN, name=name)
        region = REGIONS[number % len(REGIONS)]
        east = 121.3 + 0.25 * REGIONS.index(region)
        made = self.dispatcher.post(
            "/technicians",
            {
                "name": name,
                "user_id": phone.get("/session")["user_id"],
                "skills": self._chance.sample(SKILLS, 5),
                "region": region,
                "home_latitude": 31.1 + 0.2 * self._chance.random(),
                "home_longitude": east + 0.2 * self._chance.random(),
            },
        )
        # One in ten lapses in the middle of the week: from then on nothing may be offered to them.
        lapse = timedelta(days=3) if number % 10 == 9 else timedelta(days=300)
        exam = {"name": "on-post exam", "expires_at": (now + lapse).isoformat()}
        self.dispatcher.post(f"/technicians/{made['id']}/qualifications", exam)
        for day in range(self.order.days):
            if (day + number) % 7 < 5:  # two days off, not the same for all
                self._shift(made["id"], number, day, now)
        return Person(made["id"], phone, name)

    def _shift(self, technician_id: str, number: int, day: int, now: datetime) -> None:
        begin = now.astimezone(SHANGHAI).replace(minute=0, second=0, microsecond=0)
        early = number % 3 != 2
        starts = begin.replace(hour=8 if early else 13) + timedelta(days=day)
        ends = starts + timedelta(hours=9)
        if ends <= now:
            return
        lunch = starts + timedelta(hours=4)
        self.dispatcher.post(
            f"/technicians/{technician_id}/shifts",
            {
                "starts_at": starts.isoformat(),
                "ends_at": ends.isoformat(),
                "breaks": [
                    {
                        "starts_at": lunch.isoformat(),
                        "ends_at": (lunch + timedelta(minutes=30)).isoformat(),
                    }
                ],
            },
        )


def _batched(ids: list[str], size: int) -> list[list[str]]:
    return [ids[first : first + size] for first in range(0, len(ids), size)]
