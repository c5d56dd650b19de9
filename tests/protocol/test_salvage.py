"""The splitter of broken batches: every entry stays whole, whatever stands beside it."""

import json

import pytest
from hypothesis import given
from hypothesis import strategies as st

from protocol.errors import MalformedMessageError
from protocol.journal import UnreadableEvent, read_journal_batch
from protocol.salvage import split_array

VALUES = st.recursive(
    st.none() | st.booleans() | st.integers() | st.text(),
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(st.text(), inner, max_size=3),
    max_leaves=8,
)
HEAD = (
    '{"v":1,"epoch":"e","floor":1,"first":1,"last":%d,"sent_at":"2026-03-02T08:00:00Z",'
    '"clock":"synced","events":[%s]}'
)
SOUND = '{"seq":%d,"at":"2026-03-02T08:00:00Z","mono_ms":1,"boot":"b","type":"t","body":{}}'


@given(before=VALUES, entries=st.lists(VALUES, max_size=5), after=VALUES, ascii_only=st.booleans())
def test_entries_are_cut_where_json_says(
    before: object,
    entries: list[object],
    after: object,
    ascii_only: bool,  # noqa: FBT001  # hypothesis passes it by name
) -> None:
    whole = {"a": before, "events": entries, "events of others": after}
    body = json.dumps(whole, ensure_ascii=ascii_only).encode(errors="replace")
    head, cut = split_array(body, "events", 5)
    assert json.loads(head) == {**json.loads(body), "events": []}
    assert [json.loads(one) for one in cut] == json.loads(body)["events"]


@given(st.binary(max_size=200))
def test_no_bytes_do_more_than_be_refused(body: bytes) -> None:
    try:
        _, entries = split_array(b'{"events":[' + body, "events", 3)
    except MalformedMessageError:
        return
    assert len(entries) <= 3


@pytest.mark.parametrize("seq", ["3", '"x",{'])
def test_an_unreadable_event_does_not_hide_a_wrong_run(seq: str) -> None:
    odd = SOUND.replace('"seq":%d', f'"seq":{seq}').replace('"mono_ms":1', '"mono_ms":null')
    with pytest.raises(MalformedMessageError):
        read_journal_batch((HEAD % (2, f"{SOUND % 1},{odd}")).encode())


def test_an_event_without_a_readable_number_has_that_of_its_place() -> None:
    batch = read_journal_batch((HEAD % (3, f"{SOUND % 1},null,{SOUND % 3}")).encode())
    assert [event.seq for event in batch.events] == [1, 2, 3]
    assert [isinstance(event, UnreadableEvent) for event in batch.events] == [False, True, False]
