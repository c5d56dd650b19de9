"""Pure: what each kind of notice says, as data in two languages, and how its fields become text.

The words stand in `templates.json`, so that a translator needs no Python and a test can hold both
languages to the same fields. A notice is put into words when it is written: what was said stays
said, whatever the template says later.
"""

import string
from collections.abc import Mapping
from dataclasses import dataclass
from datetime import datetime, timedelta, tzinfo
from functools import lru_cache
from importlib import resources

import msgspec

from fleet_server.notifications.errors import NoticeTemplateError
from fleet_server.notifications.rules import TITLE_LENGTH_MAX, Language, Words


class InBoth(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """One text in both languages."""

    zh: str
    en: str

    def in_(self, language: Language) -> str:
        """Text of that language."""
        return self.zh if language is Language.ZH else self.en


class Template(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """What a kind of notice says; `{name}` stands for a field, an empty body for none."""

    title: InBoth
    body: InBoth

    def fields(self, language: Language) -> frozenset[str]:
        """Names of the fields in one language."""
        text = self.title.in_(language) + self.body.in_(language)
        return frozenset(name for _, name, _, _ in string.Formatter().parse(text) if name)


Value = str | int | datetime | InBoth
"""What a field may hold. A time is an instant; its text is local, with its distance from UTC."""


@dataclass(frozen=True)
class Message:
    """A kind of notice with its fields, not yet in words."""

    kind: str
    fields: Mapping[str, Value]


@lru_cache(maxsize=1)
def templates() -> dict[str, Template]:
    """All templates by kind."""
    text = resources.files("fleet_server.notifications").joinpath("templates.json").read_bytes()
    return msgspec.json.decode(text, type=dict[str, Template])


def said(kind: str, **fields: Value) -> Message:
    """Return a notice of that kind; NoticeTemplateError when its template has other fields."""
    template = templates().get(kind)
    wanted = template.fields(Language.EN) if template is not None else frozenset[str]()
    if template is None or fields.keys() != wanted:
        raise NoticeTemplateError(kind, fields, wanted)
    return Message(kind, fields)


def in_words(message: Message, zone: tzinfo) -> Words:
    """Put a message into words of both languages; times are those of `zone`."""
    template = templates()[message.kind]
    zh, en = (_texts(message.fields, language, zone) for language in (Language.ZH, Language.EN))
    return Words(
        template.title.zh.format_map(zh),
        template.title.en.format_map(en),
        template.body.zh.format_map(zh),
        template.body.en.format_map(en),
    )


def local(at: datetime, zone: tzinfo) -> str:
    """Return an instant as people of that zone read it: `2026-03-02 16:15:00 UTC+8`."""
    there = at.astimezone(zone)
    return f"{there:%Y-%m-%d %H:%M:%S} {_distance(there.utcoffset() or timedelta())}"


def one_line(text: str) -> str:
    """Return a title: one line, bounded. A line break in a mail's subject would be a header."""
    return " ".join(text.split())[:TITLE_LENGTH_MAX]


def _texts(fields: Mapping[str, Value], language: Language, zone: tzinfo) -> dict[str, str]:
    return {name: _text(value, language, zone) for name, value in fields.items()}


def _text(value: Value, language: Language, zone: tzinfo) -> str:
    if isinstance(value, InBoth):
        return value.in_(language)
    return local(value, zone) if isinstance(value, datetime) else str(value)


def _distance(offset: timedelta) -> str:
    minutes = round(offset.total_seconds() / 60)
    hours, rest = divmod(abs(minutes), 60)
    sign = "-" if minutes < 0 else "+"
    return f"UTC{sign}{hours}" + (f":{rest:02d}" if rest else "")
