"""Events go to the features by type, in few groups, and no cabinet's order is lost."""

from datetime import UTC, datetime

from hypothesis import given
from hypothesis import strategies as st

from fleet_server.ingest.events import Received
from fleet_server.ingest.journal import waves
from protocol.events import DoorCause, DoorMoved

AT = datetime(2026, 3, 2, tzinfo=UTC)
KINDS = ["fault.raised", "fault.cleared", "door.opened", "sale.completed"]
said = st.lists(st.tuples(st.sampled_from(["C1", "C2", "C3"]), st.sampled_from(KINDS)))


def received(cabinet: str, kind: str, seq: int) -> Received:
    body = DoorMoved("1", DoorCause.SALE)
    return Received(f"e{seq}", cabinet, "site", "epoch", seq, kind, AT, body)


@given(said)
def test_each_group_is_of_one_type_and_each_cabinets_order_is_kept(
    spoken: list[tuple[str, str]],
) -> None:
    events = [received(cabinet, kind, seq) for seq, (cabinet, kind) in enumerate(spoken)]
    groups = list(waves(events))
    assert all(one.type == kind for kind, group in groups for one in group)
    handed = [one for _, group in groups for one in group]
    assert sorted(one.seq for one in handed) == list(range(len(events)))
    for cabinet in ("C1", "C2", "C3"):
        seqs = [one.seq for one in handed if one.cabinet_id == cabinet]
        assert seqs == sorted(seqs)


def test_many_cabinets_that_do_the_same_make_as_many_groups_as_one() -> None:
    events = [
        received(f"C{number}", kind, number)
        for number in range(500)
        for kind in ("door.opened", "sale.completed", "door.closed")
    ]
    assert [(kind, len(group)) for kind, group in waves(events)] == [
        ("door.opened", 500),
        ("sale.completed", 500),
        ("door.closed", 500),
    ]
