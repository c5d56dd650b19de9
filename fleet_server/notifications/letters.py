"""Pure: which messages leave to one address now. The rule that makes one outage one message.

Two notices in the same words are one message. Up to SINGLES_MAX different ones leave each by
itself; more become a digest. Urgent ones go first and are never in a digest with others. No more
messages leave than the address may still get this minute; what does not fit waits.
"""

from collections.abc import Sequence
from dataclasses import dataclass

from fleet_server.notifications.rules import Language

SINGLES_MAX = 3
"""Different notices at once that a person still reads one by one."""
LISTED_MAX = 10
"""Titles a digest names; it counts the others, and the console shows them all."""


@dataclass(frozen=True)
class Waiting:
    """A delivery that is due, as much of it as decides."""

    delivery_id: str
    urgent: bool
    title: str
    body: str
    path: str
    tag: str


@dataclass(frozen=True)
class Letter:
    """One message: what it says, where it leads, and the deliveries it settles.

    `tag`: a later message of the same tag takes the place of this one on a screen.
    """

    delivery_ids: tuple[str, ...]
    urgent: bool
    title: str
    body: str
    path: str
    tag: str


def letters_for(waiting: Sequence[Waiting], allowance: int, language: Language) -> list[Letter]:
    """Messages to send now, most urgent first: at most `allowance` of them."""
    letters: list[Letter] = []
    for urgent in (True, False):
        singles = _merged([one for one in waiting if one.urgent == urgent])
        left = allowance - len(letters)
        if not singles or left <= 0:
            continue
        if len(singles) <= min(SINGLES_MAX, left):
            letters += singles
        else:
            letters.append(_digest(singles, language))
    return letters


def _merged(waiting: Sequence[Waiting]) -> list[Letter]:
    """One letter for each text, in the order of the first of each."""
    groups: dict[tuple[str, str], list[Waiting]] = {}
    for one in waiting:
        groups.setdefault((one.title, one.body), []).append(one)
    return [
        Letter(
            tuple(one.delivery_id for one in group),
            group[0].urgent,
            *text,
            group[0].path,
            group[0].tag,
        )
        for text, group in groups.items()
    ]


def _digest(singles: Sequence[Letter], language: Language) -> Letter:
    ids = tuple(key for letter in singles for key in letter.delivery_ids)
    counts: dict[str, int] = {}
    for letter in singles:
        counts[letter.title] = counts.get(letter.title, 0) + len(letter.delivery_ids)
    named = [f"{title} x{count}" if count > 1 else title for title, count in counts.items()]
    lines = named[:LISTED_MAX]
    if len(named) > LISTED_MAX:
        rest = sum(list(counts.values())[LISTED_MAX:])
        lines.append(in_language(language, f"另有 {rest} 条", f"and {rest} more"))
    urgent = singles[0].urgent
    title = (
        in_language(language, f"{len(ids)} 条紧急通知", f"{len(ids)} urgent notices")
        if urgent
        else in_language(language, f"{len(ids)} 条通知", f"{len(ids)} notices")
    )
    return Letter(ids, urgent, title, "\n".join(lines), "/notices", "digest")


def in_language(language: Language, zh: str, en: str, between: str = " / ") -> str:
    """Text for a reader: one language, or both, without saying twice what is the same."""
    if language is Language.BOTH:
        return zh if zh == en else f"{zh}{between}{en}".strip()
    return zh if language is Language.ZH else en


def cut(text: str, bytes_max: int) -> str:
    """Return `text` in at most so many bytes of UTF-8, cut between characters."""
    encoded = text.encode()
    if len(encoded) <= bytes_max:
        return text
    ending = "…"
    return encoded[: max(0, bytes_max - len(ending.encode()))].decode(errors="ignore") + ending
