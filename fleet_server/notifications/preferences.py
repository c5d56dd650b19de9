"""What a person wants of notices: language, channels by urgency, quiet hours.

No preference loses a notice: it only decides where and when it leaves, and one that leaves nowhere
is kept and shown. Urgent ones know no quiet hours (requirements 4, trap f).
"""

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import time
from zoneinfo import ZoneInfo

from fleet_server.audit.service import record
from fleet_server.errors import InvalidError
from fleet_server.notifications.models import NoticeAddress, NoticePreference
from fleet_server.notifications.queries import addresses_of, preferences_of
from fleet_server.notifications.quiet_hours import QuietHours
from fleet_server.notifications.rules import Channel, Language, Urgency, to_user
from fleet_server.notifications.schemas import PreferenceShape, QuietHoursShape
from fleet_server.transactions import Transaction


@dataclass(frozen=True)
class Wishes:
    """Preferences of one person; `channels` None is every channel."""

    language: Language = Language.BOTH
    quiet_hours: QuietHours | None = None
    normal: frozenset[str] | None = None
    urgent: frozenset[str] | None = None

    def chosen(self, addresses: Sequence[NoticeAddress], urgency: Urgency) -> list[NoticeAddress]:
        """Return those of a person's addresses a notice goes to.

        Who wants only what is not there any more (a browser that is gone) gets it by all others.
        """
        wanted = self.urgent if urgency is Urgency.URGENT else self.normal
        if wanted is None:
            return list(addresses)
        found = [
            one
            for one in addresses
            if one.id in wanted or (one.channel == Channel.WEB_PUSH and Channel.WEB_PUSH in wanted)
        ]
        return found if found or not wanted else list(addresses)


NO_WISHES = Wishes()


def wishes_of(tx: Transaction, user_ids: Sequence[str]) -> dict[str, Wishes]:
    """Preferences of these people; everyone has some."""
    said = preferences_of(tx.session, user_ids)
    return {key: _wishes(said[key]) if key in said else NO_WISHES for key in user_ids}


def preference_of(tx: Transaction, user_id: str) -> PreferenceShape:
    """Return what a person said, or what holds for who said nothing."""
    row = preferences_of(tx.session, [user_id]).get(user_id)
    if row is None:
        return PreferenceShape()
    quiet = None
    if row.quiet_from is not None and row.quiet_to is not None:
        quiet = QuietHoursShape.model_validate(
            {"from": row.quiet_from, "to": row.quiet_to, "time_zone": row.time_zone}
        )
    return PreferenceShape(
        language=Language(row.language),
        quiet_hours=quiet,
        channels={Urgency.NORMAL: row.channels_normal, Urgency.URGENT: row.channels_urgent},
    )


def set_preference(tx: Transaction, user_id: str, order: PreferenceShape) -> None:
    """Keep what a person wants from now on. Raises InvalidError for a channel that is not theirs.

    Notices that wait are judged anew when they are due.
    """
    mine = {one.id for one in addresses_of(tx.session, [to_user(user_id)])} | {Channel.WEB_PUSH}
    for channels in order.channels.values():
        foreign = sorted(set(channels or ()) - mine)
        if foreign:
            raise InvalidError("channels", f"not among yours: {', '.join(foreign)}")
    quiet = order.quiet_hours
    row = tx.session.get(NoticePreference, user_id, with_for_update=True)
    if row is None:
        row = NoticePreference(user_id=user_id)
        tx.session.add(row)
    row.language = order.language
    row.quiet_from = quiet.from_ if quiet else None
    row.quiet_to = quiet.to if quiet else None
    row.time_zone = quiet.time_zone if quiet else str(tx.zone)
    row.channels_normal = order.channels.get(Urgency.NORMAL)
    row.channels_urgent = order.channels.get(Urgency.URGENT)
    row.updated_at = tx.now
    record(tx, "notice_preference.set", "user", user_id)


def _wishes(row: NoticePreference) -> Wishes:
    return Wishes(
        Language(row.language),
        _quiet_hours(row),
        _some(row.channels_normal),
        _some(row.channels_urgent),
    )


def _quiet_hours(row: NoticePreference) -> QuietHours | None:
    if row.quiet_from is None or row.quiet_to is None:
        return None
    begins, ends = time.fromisoformat(row.quiet_from), time.fromisoformat(row.quiet_to)
    return QuietHours(begins, ends, ZoneInfo(row.time_zone))


def _some(channels: list[str] | None) -> frozenset[str] | None:
    return None if channels is None else frozenset(channels)
