"""What detection finds: the beginnings, repeats and ends of fault episodes.

They become `fault.raised`, `fault.repeated` and `fault.cleared` in the journal.
"""

from datetime import datetime

import msgspec

from protocol.events import ClearedBy
from protocol.faults import Severity


class Raised(msgspec.Struct, frozen=True, tag=True):
    """An episode began; `since` is when its cause began, before the hold.

    `reading` and `limit` have the unit of the rule (degrees, seconds, polls); `cause` is a word
    for logs and texts. `flapping`: it is the one episode that stands for many.
    """

    fault_id: str
    code: str
    part: str
    severity: Severity
    since: datetime
    reading: float | None = None
    limit: float | None = None
    latched: bool = False
    cause: str = ""
    flapping: bool = False


class Repeated(msgspec.Struct, frozen=True, tag=True):
    """The cause came back, or got worse, in an open episode; `count` is the new total."""

    fault_id: str
    code: str
    part: str
    severity: Severity
    since: datetime
    count: int
    reading: float | None = None
    limit: float | None = None
    latched: bool = False
    cause: str = ""
    flapping: bool = False


class Cleared(msgspec.Struct, frozen=True, tag=True):
    """An episode ended: by itself, or by the person `by`."""

    fault_id: str
    code: str
    part: str
    cleared_by: ClearedBy
    count: int = 1
    by: str = ""


Finding = Raised | Repeated | Cleared
