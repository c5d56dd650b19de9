"""Words of notices: two languages with the same fields, and callers that give every field."""

import ast
from collections.abc import Iterator
from datetime import UTC, datetime, timedelta, timezone
from functools import lru_cache
from pathlib import Path
from zoneinfo import ZoneInfo

import pytest

from fleet_server.app import FleetServer
from fleet_server.notifications.errors import NoticeTemplateError
from fleet_server.notifications.rules import About, Language, Words, to_role
from fleet_server.notifications.service import notify
from fleet_server.notifications.templates import (
    InBoth,
    in_words,
    local,
    one_line,
    said,
    templates,
)

PACKAGE = Path(__file__).parents[3] / "fleet_server"
NOON = datetime(2026, 3, 2, 12, 0, tzinfo=UTC)
COMPOSED_ELSEWHERE = {"recalls/buyers.py", "recalls/publishing.py"}
"""What a buyer and the public are told is put together by `recalls/notice.py` (invariant 20)."""


class Caller:
    """What one file says: kinds by name with their fields, and fields of kinds that vary."""

    def __init__(self, path: Path) -> None:
        self.path = path
        tree = ast.parse(path.read_text())
        self.calls = [node for node in ast.walk(tree) if isinstance(node, ast.Call)]
        self.named: list[tuple[str, frozenset[str]]] = []
        self.varying: list[frozenset[str]] = []
        for call in self._to("said"):
            assert not any(keyword.arg is None for keyword in call.keywords), "name each field"
            fields = frozenset(str(keyword.arg) for keyword in call.keywords)
            kind = call.args[0]
            if isinstance(kind, ast.Constant):
                self.named.append((str(kind.value), fields))
            else:
                self.varying.append(fields)
        logged = {id(call.args[0]) for call in self.calls if _is_log_line(call)}
        constants = [node for node in ast.walk(tree) if isinstance(node, ast.Constant)]
        texts = {node.value for node in constants if id(node) not in logged}
        self.mentioned = {str(text) for text in texts if text in templates()}

    def _to(self, name: str) -> Iterator[ast.Call]:
        for call in self.calls:
            if isinstance(call.func, ast.Name) and call.func.id == name:
                yield call

    @property
    def composes_words(self) -> bool:
        return any(True for _ in self._to("Words"))


def _is_log_line(call: ast.Call) -> bool:
    called = call.func
    return (
        isinstance(called, ast.Attribute)
        and isinstance(called.value, ast.Name)
        and called.value.id == "log"
        and bool(call.args)
    )


@lru_cache(maxsize=1)
def callers() -> list[Caller]:
    return [Caller(path) for path in sorted(PACKAGE.rglob("*.py"))]


@pytest.mark.parametrize("kind", templates())
def test_a_kind_has_both_languages_with_the_same_fields(kind: str) -> None:
    template = templates()[kind]
    assert template.title.zh
    assert template.title.en
    assert bool(template.body.zh) == bool(template.body.en)
    assert template.fields(Language.ZH) == template.fields(Language.EN)


def test_every_caller_gives_every_field_of_its_kind() -> None:
    for caller in callers():
        for kind, fields in caller.named:
            assert kind in templates(), f"{caller.path}: no template {kind}"
            assert fields == templates()[kind].fields(Language.EN), f"{caller.path}: {kind}"


def test_kinds_that_vary_have_a_call_with_just_their_fields_somewhere() -> None:
    """`tell(..., "hold.set")` names a kind in one place and gives its fields in another."""
    every = callers()
    varying = {fields for caller in every for fields in caller.varying}
    named = {kind for caller in every for kind, _ in caller.named}
    for caller in every:
        for kind in caller.mentioned - named:
            assert templates()[kind].fields(Language.EN) in varying, f"{caller.path}: {kind}"


def test_every_kind_is_said_by_somebody() -> None:
    assert {kind for caller in callers() for kind in caller.mentioned} == set(templates())


def test_words_are_composed_in_python_only_where_the_law_says_how() -> None:
    found = {str(caller.path.relative_to(PACKAGE)) for caller in callers() if caller.composes_words}
    assert found <= COMPOSED_ELSEWHERE | {"recalls/notice.py", "notifications/templates.py"}


def test_a_missing_or_unknown_field_is_our_own_fault_and_says_which() -> None:
    with pytest.raises(NoticeTemplateError, match=r"takes \['reason'\], not \[\]"):
        said("visit.called_off")
    with pytest.raises(NoticeTemplateError):
        said("visit.called_off", reason="x", more="y")
    with pytest.raises(NoticeTemplateError):
        said("no.such.kind")


def test_times_are_local_and_say_how_far_from_utc() -> None:
    words = in_words(
        said("clock.warned", percent=50, clock=InBoth("到场", "arrival"), due=NOON),
        ZoneInfo("Asia/Shanghai"),
    )
    assert words == Words(
        "时限已用 50%：到场",
        "50% of the time is gone: arrival",
        "应于 2026-03-02 20:00:00 UTC+8 前完成",
        "due at 2026-03-02 20:00:00 UTC+8",
    )


@pytest.mark.parametrize(
    ("hours", "text"), [(0, "UTC+0"), (5.5, "UTC+5:30"), (-3.5, "UTC-3:30"), (-8, "UTC-8")]
)
def test_every_distance_from_utc_can_be_read(hours: float, text: str) -> None:
    assert local(NOON, timezone(timedelta(hours=hours))).endswith(text)


def test_a_field_with_braces_or_line_breaks_stays_what_it_is_and_a_title_stays_one_line() -> None:
    reason = "{due} {0.__class__}\r\nBcc: all"
    words = in_words(said("visit.called_off", reason=reason), UTC)
    assert words.body_en == reason
    assert one_line("a\r\nBcc: b\t c") == "a Bcc: b c"
    assert len(one_line("长" * 300)) == 200


def test_a_notice_keeps_its_kind_and_takes_the_time_of_its_site(server: FleetServer) -> None:
    with server.transactions.write("system:test") as tx:
        message = said("clock.breached", clock="x", due=NOON)
        here = notify(tx, to_role("dispatcher"), message, About("ticket", "t1"))
        elsewhere = About("ticket", "t1", zone=ZoneInfo("Europe/Berlin"))
        there = notify(tx, to_role("dispatcher"), message, elsewhere)
    assert here.kind == "clock.breached"
    assert here.body_en == "was due at 2026-03-02 20:00:00 UTC+8"
    assert there.body_en == "was due at 2026-03-02 13:00:00 UTC+1"
