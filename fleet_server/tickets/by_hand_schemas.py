"""Web shapes of what people do to a ticket beside the steps of its life.

Split from `schemas.py` by verb.
"""

from pydantic import AwareDatetime, Field

from fleet_server.service_levels.rules import Priority
from fleet_server.web.schemas import Order


class MergeOrder(Order):
    """`POST /tickets/{id}/merge`: this ticket ends as a part of `into`."""

    into: str = Field(min_length=1, max_length=36)
    reason: str = Field("", max_length=120)


class SplitOrder(Order):
    """`POST /tickets/{id}/split`: these faults go to a new ticket."""

    fault_ids: list[str] = Field(min_length=1, max_length=200)
    title_zh: str = Field(min_length=1, max_length=200)
    title_en: str = Field(min_length=1, max_length=200)
    reason: str = Field("", max_length=120)


class HandOverOrder(Order):
    """`POST /tickets/{id}/hand-overs`: `to` is `user:<id>` or `role:<role>`."""

    to: str = Field(min_length=1, max_length=80)
    reason: str = Field(min_length=1, max_length=200)


class NoteOrder(Order):
    """`POST /tickets/{id}/notes`."""

    text: str = Field(min_length=1, max_length=4000)


class PriorityOrder(Order):
    """`PUT /tickets/{id}/priority`."""

    priority: Priority
    reason: str = Field(min_length=1, max_length=200)


class ExpectationOrder(Order):
    """`PUT /tickets/{id}/expectation`: until when a waiting ticket waits."""

    expected_at: AwareDatetime


class AppointmentOrder(Order):
    """`POST /tickets/{id}/appointment`: when the site wants somebody to come."""

    start: AwareDatetime = Field(alias="from")
    end: AwareDatetime = Field(alias="to")
