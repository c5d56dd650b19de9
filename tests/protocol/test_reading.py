"""The strict readers: numbers that agree, rules that mean something, orders that fit."""

from collections.abc import Callable
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.commands import ARGUMENTS, PHYSICAL, CommandName, check_args, read_command
from protocol.desired import read_desired
from protocol.errors import MalformedMessageError
from protocol.events import read_body
from protocol.gtin import check_digit, checked_gtin
from protocol.journal import Event, read_journal_batch, read_telemetry_batch
from protocol.presence import Heartbeat, Presence
from protocol.rules import read_rule_bundle
from protocol.wire import decode_json
from tests.protocol.golden_messages import BODIES, BUNDLE, DESIRED, GOLDEN, command, event

Change = Callable[[dict[str, Any]], object]


def built(message: object, change: Change) -> bytes:
    draft = msgspec.json.decode(msgspec.json.encode(message))
    change(draft)
    return msgspec.json.encode(draft)


def entries(draft: dict[str, Any]) -> list[dict[str, Any]]:
    found: list[dict[str, Any]] = draft["events" if "events" in draft else "samples"]
    return found


def as_run(draft: dict[str, Any], count: int) -> None:
    name = "events" if "events" in draft else "samples"
    draft["last"] = draft["first"] + count - 1
    draft[name] = [{**draft[name][0], "seq": draft["first"] + place} for place in range(count)]


BAD_BATCHES: dict[str, Change] = {
    "another version": lambda draft: draft.update(v=2),
    "no epoch": lambda draft: draft.update(epoch=""),
    "a long epoch": lambda draft: draft.update(epoch="e" * 65),
    "an epoch no database holds": lambda draft: draft.update(epoch="a\0b"),
    "a floor past the first": lambda draft: draft.update(floor=draft["first"] + 1),
    "a floor of nothing": lambda draft: draft.update(floor=0),
    "first past last": lambda draft: draft.update(first=draft["last"] + 1),
    "a last that no database holds": lambda draft: draft.update(last=2**63),
    "a number past every integer": lambda draft: draft.update(last=2**200),
    "a missing entry": lambda draft: entries(draft).pop(),
    "one entry twice": lambda draft: entries(draft).append(entries(draft)[0]),
    "a wrong sequence": lambda draft: entries(draft)[0].update(seq=7),
    "101 entries": lambda draft: as_run(draft, 101),
    "a time without offset": lambda draft: draft.update(sent_at="2026-03-02T08:00:00"),
    "no time": lambda draft: draft.update(sent_at="yesterday"),
    "an unknown clock": lambda draft: draft.update(clock="guessed"),
    "no entries": lambda draft: entries(draft).clear(),
}


@pytest.mark.parametrize("what", BAD_BATCHES)
def test_p03_a_batch_whose_numbers_do_not_agree_is_malformed(what: str) -> None:
    with pytest.raises(MalformedMessageError):
        read_journal_batch(built(GOLDEN["up.journal"].message, BAD_BATCHES[what]))
    with pytest.raises(MalformedMessageError):
        read_telemetry_batch(built(GOLDEN["up.telemetry"].message, BAD_BATCHES[what]))


def test_a_sample_without_offset_is_malformed() -> None:
    bad = built(
        GOLDEN["up.telemetry"].message,
        lambda draft: entries(draft)[0].update(at="2026-03-02T08:00:00"),
    )
    with pytest.raises(MalformedMessageError):
        read_telemetry_batch(bad)


def test_a_hundred_entries_are_read() -> None:
    batch = read_journal_batch(
        built(GOLDEN["up.journal"].message, lambda draft: as_run(draft, 100))
    )
    assert len(batch.events) == 100


@pytest.mark.parametrize(
    "field", ["session", "rules_version", "desired_version", "command_counter"]
)
@pytest.mark.parametrize("number", [-1, 2**63])
def test_a_number_no_database_holds_is_malformed(field: str, number: int) -> None:
    for name, kind in (("up.presence", Presence), ("up.heartbeat", Heartbeat)):
        bad = built(GOLDEN[name].message, lambda draft: draft.update({field: number}))
        with pytest.raises(MalformedMessageError):
            decode_json(bad, kind)


@pytest.mark.parametrize("boot", ["", "b" * 65, "a\0b", "a\n", "柜"])
def test_a_boot_id_no_database_holds_is_malformed(boot: str) -> None:
    bad = built(GOLDEN["up.presence"].message, lambda draft: draft.update(boot=boot))
    with pytest.raises(MalformedMessageError):
        decode_json(bad, Presence)


def test_p06_a_type_this_version_does_not_know_has_no_body_and_is_no_error() -> None:
    newer = Event(1, event("door.opened", BODIES["door.opened"]).at, 1, "b", "x", msgspec.Raw(b"5"))
    assert read_body(newer) is None


BAD_BODIES: dict[str, bytes] = {
    "door.opened": b'{"door":1,"cause":"sale"}',
    "door.closed": b'{"door":"A1","cause":"wind"}',
    "fault.raised": b"{}",
    "command.finished": b'"done"',
    "rules.applied": b'{"version":"17","digest":"","blocked":[]}',
}


@pytest.mark.parametrize("kind", sorted(BAD_BODIES))
def test_p06_a_known_type_with_another_body_is_malformed(kind: str) -> None:
    one = msgspec.structs.replace(event(kind, BODIES[kind]), body=msgspec.Raw(BAD_BODIES[kind]))
    with pytest.raises(MalformedMessageError):
        read_body(one)


BAD_SALES: dict[str, Change] = {
    "no line": lambda sale: sale.update(lines=[], total_minor=0),
    "a total that is not the sum": lambda sale: sale.update(total_minor=901),
    "no unit": lambda sale: sale["lines"][0].update(quantity=0) or sale.update(total_minor=0),
    "a negative price": lambda sale: (
        sale["lines"][0].update(price_minor=-450) or sale.update(total_minor=-900)
    ),
}


@pytest.mark.parametrize("what", BAD_SALES)
def test_a_sale_that_does_not_add_up_is_malformed(what: str) -> None:
    body = built(BODIES["sale.completed"], BAD_SALES[what])
    sale = msgspec.structs.replace(
        event("sale.completed", BODIES["sale.completed"]), body=msgspec.Raw(body)
    )
    with pytest.raises(MalformedMessageError):
        read_body(sale)


@pytest.mark.parametrize("name", sorted(PHYSICAL))
@pytest.mark.parametrize(
    "change",
    [{"session": None}, {"ttl_s": 61}, {"ttl_s": 0}],
    ids=["no session", "lives too long", "does not live"],
)
def test_p13_a_physical_order_carries_its_session_and_lives_at_most_a_minute(
    name: CommandName, change: dict[str, Any]
) -> None:
    with pytest.raises(MalformedMessageError):
        read_command(built(command(name), lambda draft: draft.update(change)).decode())


@pytest.mark.parametrize("change", [{"counter": 0}, {"ttl_s": 0}, {"name": "explode"}])
def test_p13_an_order_that_makes_no_sense_is_malformed(change: dict[str, Any]) -> None:
    with pytest.raises(MalformedMessageError):
        read_command(built(command(CommandName.SYNC), lambda draft: draft.update(change)).decode())


@pytest.mark.parametrize("name", list(CommandName))
def test_arguments_an_order_does_not_have_are_refused(name: CommandName) -> None:
    with pytest.raises(MalformedMessageError, match=name):
        check_args(name, {"nonsense": 1})


def test_only_what_moves_something_is_physical() -> None:
    assert {CommandName.UNLOCK, CommandName.TEST_VEND} == PHYSICAL
    assert set(ARGUMENTS) == set(CommandName)


BAD_DESIRED: dict[str, Change] = {
    "version nought": lambda draft: draft.update(version=0),
    "a slot twice": lambda draft: draft["planogram"].append(draft["planogram"][0]),
    "a wrong check digit": lambda draft: draft["planogram"][0].update(gtin="06901234567893"),
    "no GTIN": lambda draft: draft["planogram"][0].update(gtin="milk"),
    "a negative price": lambda draft: draft["planogram"][0].update(price_minor=-1),
    "a negative capacity": lambda draft: draft["planogram"][0].update(capacity=-1),
    "a price with a point": lambda draft: draft["planogram"][0].update(price_minor=4.5),
}


@pytest.mark.parametrize("what", BAD_DESIRED)
def test_p15_desired_state_that_makes_no_sense_is_malformed(what: str) -> None:
    with pytest.raises(MalformedMessageError):
        read_desired(built(DESIRED, BAD_DESIRED[what]).decode())


def terms_of(draft: dict[str, Any]) -> dict[str, Any]:
    found: dict[str, Any] = draft["rules"][0]["terms"]
    return found


BAD_BUNDLES: dict[str, Change] = {
    "version nought": lambda draft: draft.update(version=0),
    "for one cabinet": lambda draft: draft.update(cabinet="C1"),
    "a rule that would block all": lambda draft: draft["rules"][0].update(terms={}, where={}),
    "a GTIN of thirteen digits": lambda draft: terms_of(draft).update(gtins=["6901234567892"]),
    "a range of two lengths": lambda draft: terms_of(draft)["lots"].update(
        ranges=[{"from": "L99", "to": "L100"}]
    ),
    "a range that ends first": lambda draft: terms_of(draft)["lots"].update(
        ranges=[{"from": "L2", "to": "L1"}]
    ),
    "days that end first": lambda draft: terms_of(draft).update(
        expiry={"from": "2026-03-02", "to": "2026-03-01"}
    ),
    "5,001 rules": lambda draft: draft.update(rules=draft["rules"][1:] * 5001),
    "no notice": lambda draft: draft["rules"][0].pop("notice"),
}


@pytest.mark.parametrize("what", BAD_BUNDLES)
def test_p16_a_bundle_that_would_match_by_accident_is_malformed(what: str) -> None:
    with pytest.raises(MalformedMessageError):
        read_rule_bundle(built(BUNDLE, BAD_BUNDLES[what]).decode())


@given(st.integers(0, 10**13 - 1))
def test_a_gtin_with_its_check_digit_is_written_with_fourteen_digits(number: int) -> None:
    body = f"{number:013d}"
    gtin = f"{body}{check_digit(body)}"
    assert checked_gtin(gtin) == gtin
    wrong = f"{body}{(check_digit(body) + 1) % 10}"
    with pytest.raises(MalformedMessageError):
        checked_gtin(wrong)


@pytest.mark.parametrize(
    ("text", "gtin"),
    [
        ("6901234567892", "06901234567892"),
        ("036000291452", "00036000291452"),
        ("73513537", "00000073513537"),
    ],
)
def test_shorter_forms_are_filled_with_noughts(text: str, gtin: str) -> None:
    """Examples of GS1: an EAN-13, the UPC-A of its manual, a GTIN-8."""
    assert checked_gtin(text) == gtin


@pytest.mark.parametrize("text", ["", "1", "690123456789", "٦٩٠١٢٣٤٥٦٧٨٩٢", "-901234567892"])
def test_what_is_no_gtin_is_refused(text: str) -> None:
    with pytest.raises(MalformedMessageError):
        checked_gtin(text)
