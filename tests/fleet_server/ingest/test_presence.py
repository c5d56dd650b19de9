"""P-9, P-10, P-17, P-18: births, wills, silence by our own timer, receipts, the time."""

import msgspec
import pytest
from sqlalchemy import select

from fleet_server.app import FleetServer
from fleet_server.cabinets.models import Cabinet, CabinetHistory, CabinetPresence
from fleet_server.clock import ManualClock
from fleet_server.faults.models import Fault
from fleet_server.ingest.last_heard import LastHeard
from fleet_server.ingest.models import JournalEvent
from fleet_server.ingest.presence import declare_silent, expect_those_online, flush
from fleet_server.outbox.models import OutboundMessage
from fleet_server.rules.service import put_rules
from protocol.errors import SignatureRejectedError
from protocol.identity import SHARD_COUNT
from protocol.intervals import DEAF_AFTER_RECONNECT_SECONDS, Uplink
from protocol.presence import PresenceCause, PresenceState, TimeRequest
from protocol.rules import BlockKind, Notice, Rule, Terms
from protocol.signatures import Keyring, SignedKind, read_envelope
from protocol.time_reply import TimeReply
from protocol.topics import DownKind, UpKind, down
from protocol.wire import decode_json, unpack
from tests.registry import add_a_cabinet, add_a_site, enrol_a_cabinet, speaking_cabinet
from tests.speaking_cabinet import SpeakingCabinet

DOOR = {"door": "1", "cause": "sale"}


def live(server: FleetServer, cabinet_id: str = "C1") -> CabinetPresence:
    with server.transactions.read() as tx:
        return tx.session.get_one(CabinetPresence, cabinet_id)


def look_for_silence(server: FleetServer) -> None:
    """The sweep of the worker, without the link to a broker."""
    with server.transactions.write("system:test") as tx:
        silent = declare_silent(tx, server.board, server.clock.elapsed())
    for cabinet_id in silent:
        server.board.went_offline(cabinet_id)


def write_down(server: FleetServer) -> None:
    with server.transactions.write("system:test") as tx:
        flush(tx, server.board)


@pytest.fixture
def hearing(server: FleetServer, clock: ManualClock) -> FleetServer:
    """A server whose deaf time after its start is over."""
    clock.advance(DEAF_AFTER_RECONNECT_SECONDS)
    return server


def metered_cabinet(server: FleetServer) -> SpeakingCabinet:
    cabinet = speaking_cabinet(server, born=False)
    birth = cabinet.presence(PresenceState.ONLINE, PresenceCause.BIRTH, session=1)
    cabinet.session = 1
    said = msgspec.structs.replace(birth, uplink=Uplink.METERED)
    server.ingest.accept([cabinet.inbound(UpKind.PRESENCE, said)])
    return cabinet


def test_p09_a_birth_brings_a_cabinet_online_and_into_service(server: FleetServer) -> None:
    cabinet = speaking_cabinet(server)
    row = live(server)
    assert (row.online, row.session, row.boot) == (True, 1, "boot-1")
    cabinet.birth()
    with server.transactions.read() as tx:
        assert tx.session.get_one(Cabinet, "C1").state == "in_service"
        history = list(tx.session.scalars(select(CabinetHistory.what)))
    assert history == ["registered", "enrolled", "state.in_service"]


def test_p09_the_will_of_the_standing_session_takes_it_offline_at_once(
    server: FleetServer,
) -> None:
    cabinet = speaking_cabinet(server)
    cabinet.die()
    row = live(server)
    assert not row.online
    assert row.offline_since == server.clock.now()


def test_p09_the_will_of_an_older_session_is_ignored(server: FleetServer) -> None:
    cabinet = speaking_cabinet(server)
    cabinet.birth()
    cabinet.die(session=1)
    assert live(server).online


def test_p09_a_will_is_no_sign_of_life(hearing: FleetServer, clock: ManualClock) -> None:
    cabinet = speaking_cabinet(hearing)
    cabinet.birth()
    clock.advance(40)
    cabinet.die(session=1)
    clock.advance(5)
    look_for_silence(hearing)
    assert not live(hearing).online


def test_p09_a_late_will_does_not_keep_a_cabinet_that_speaks_again_offline(
    hearing: FleetServer, clock: ManualClock
) -> None:
    cabinet = speaking_cabinet(hearing)
    cabinet.birth()
    clock.advance(43)
    look_for_silence(hearing)
    cabinet.die(session=1)
    cabinet.beat()
    assert live(hearing).online


def test_p09_a_clean_stop_takes_it_offline(server: FleetServer) -> None:
    cabinet = speaking_cabinet(server)
    stop = cabinet.presence(PresenceState.OFFLINE, PresenceCause.STOP)
    server.ingest.accept([cabinet.inbound(UpKind.PRESENCE, stop)])
    assert not live(server).online


def test_p10_a_wired_cabinet_is_offline_after_42_s_without_a_word(
    hearing: FleetServer, clock: ManualClock
) -> None:
    speaking_cabinet(hearing)
    for seconds, online in ((42, True), (0.1, False)):
        clock.advance(seconds)
        look_for_silence(hearing)
        assert live(hearing).online is online


def test_p10_a_metered_cabinet_is_offline_after_504_s_without_a_word(
    hearing: FleetServer, clock: ManualClock
) -> None:
    """The birth tells the uplink that is in use (ADR 0006), whatever was registered."""
    metered_cabinet(hearing)
    for seconds, online in ((504, True), (0.1, False)):
        clock.advance(seconds)
        look_for_silence(hearing)
        assert live(hearing).online is online


def test_p10_a_cabinet_back_on_wire_is_judged_as_wired_again(
    hearing: FleetServer, clock: ManualClock
) -> None:
    metered_cabinet(hearing).birth()
    clock.advance(43)
    look_for_silence(hearing)
    assert not live(hearing).online


def test_p10_any_word_counts_as_heard(hearing: FleetServer, clock: ManualClock) -> None:
    cabinet = speaking_cabinet(hearing)
    cabinet.record("door.opened", DOOR)
    for speak in (cabinet.beat, cabinet.send, cabinet.birth):
        clock.advance(41)
        speak()
        look_for_silence(hearing)
        assert live(hearing).online


def test_p10_a_silent_cabinet_that_speaks_is_online_again(
    hearing: FleetServer, clock: ManualClock
) -> None:
    cabinet = speaking_cabinet(hearing)
    clock.advance(60)
    look_for_silence(hearing)
    offline = [live(hearing).online]
    cabinet.beat()
    row = live(hearing)
    assert [*offline, row.online] == [False, True]
    assert row.offline_since is None


def test_p10_nobody_is_silent_until_45_s_after_the_server_is_back(
    server: FleetServer, clock: ManualClock
) -> None:
    speaking_cabinet(server)
    clock.advance(60)
    server.board.went_deaf(clock.elapsed())
    clock.advance(44)
    look_for_silence(server)
    assert live(server).online
    clock.advance(1.1)
    look_for_silence(server)
    assert not live(server).online


def test_p10_after_a_start_those_online_are_expected_and_found_out(
    server: FleetServer, clock: ManualClock
) -> None:
    speaking_cabinet(server)
    clock.advance(3600)
    board = LastHeard(clock.elapsed())
    with server.transactions.write("system:test") as tx:
        expect_those_online(tx, board, clock.elapsed(), range(SHARD_COUNT))
    for seconds, silent in ((44, []), (2, ["C1"])):
        clock.advance(seconds)
        assert board.silent(clock.elapsed()) == silent


def test_p10_silence_is_a_fault_that_ends_when_it_speaks(
    hearing: FleetServer, clock: ManualClock
) -> None:
    cabinet = speaking_cabinet(hearing)
    clock.advance(60)
    look_for_silence(hearing)
    look_for_silence(hearing)
    cabinet.beat()
    with hearing.transactions.read() as tx:
        fault = tx.session.scalars(select(Fault)).one()
        assert (fault.code, fault.state) == ("OFFLINE", "cleared")


def test_p10_last_heard_is_written_by_the_flush_and_not_by_each_message(
    server: FleetServer, clock: ManualClock
) -> None:
    cabinet = speaking_cabinet(server)
    born_at = clock.now()
    clock.advance(7)
    cabinet.beat()
    assert live(server).last_heard_at == born_at
    write_down(server)
    row = live(server)
    assert row.last_heard_at == clock.now()
    assert (row.clock, row.free_storage_bytes) == ("synced", 10**9)


def test_p10_a_flush_never_writes_a_heartbeat_of_before_the_birth(server: FleetServer) -> None:
    cabinet = speaking_cabinet(server)
    cabinet.held_rules, cabinet.held_desired, cabinet.held_counter = 9, 8, 7
    cabinet.beat()
    cabinet.held_rules, cabinet.held_desired, cabinet.held_counter = 0, 0, 0
    cabinet.birth()
    write_down(server)
    row = live(server)
    assert (row.rules_version, row.desired_version, row.command_counter) == (0, 0, 0)


def test_p17_a_birth_is_answered_by_a_receipt_with_the_newest_versions(
    server: FleetServer,
) -> None:
    cabinet = speaking_cabinet(server)
    assert cabinet.receipt is not None
    assert (cabinet.receipt.rules_version, cabinet.receipt.desired_version) == (1, 1)
    assert cabinet.receipt.server_epoch == server.epoch
    assert cabinet.receipt.journal is None
    rule = Rule("r1", 1, BlockKind.HOLD, Terms(gtins=["06901234567892"]), Notice("停", "stop"))
    with server.transactions.write("user:1") as tx:
        put_rules(tx, server.signing, "r1", 1, [rule])
    receipt = cabinet.birth()
    assert receipt is not None
    assert receipt.rules_version == 2


def test_p17_whoever_holds_an_older_bundle_is_sent_the_newest(server: FleetServer) -> None:
    cabinet = speaking_cabinet(server)
    topic = down("fleet", "C1", DownKind.RULES)

    def waiting() -> int:
        with server.transactions.read() as tx:
            found = select(OutboundMessage.seq).where(OutboundMessage.topic == topic)
            return len(list(tx.session.scalars(found)))

    before = waiting()
    cabinet.held_rules = 1
    cabinet.birth()
    assert waiting() == before
    cabinet.held_rules = 0
    cabinet.beat()
    assert waiting() == before + 1


def asked(cabinet: SpeakingCabinet, nonce: str) -> bytes:
    request = TimeRequest(1, "time", nonce)
    cabinet.server.ingest.accept([cabinet.inbound(UpKind.REQUEST, request)])
    topic = down("fleet", cabinet.cabinet_id, DownKind.REPLY)
    with cabinet.server.transactions.read() as tx:
        found = select(OutboundMessage).where(OutboundMessage.topic == topic)
        row = tx.session.scalars(found.order_by(OutboundMessage.seq.desc())).first()
    assert row is not None
    return unpack(row.payload)


def test_p18_the_time_is_answered_signed_with_the_nonce_of_the_request(
    server: FleetServer, clock: ManualClock
) -> None:
    cabinet = speaking_cabinet(server)
    clock.advance(12.5)
    envelope = read_envelope(asked(cabinet, "nonce-1"))
    keys = Keyring(server.signing.public_keys)
    reply = decode_json(keys.open(envelope, SignedKind.REPLY, "fleet", "C1"), TimeReply)
    assert (reply.request, reply.nonce, reply.server_time) == ("time", "nonce-1", clock.now())


def test_p18_a_reply_is_of_no_use_to_another_cabinet(server: FleetServer) -> None:
    envelope = read_envelope(asked(speaking_cabinet(server), "nonce-1"))
    keys = Keyring(server.signing.public_keys)
    with pytest.raises(SignatureRejectedError):
        keys.open(envelope, SignedKind.REPLY, "fleet", "C2")


def test_p18_events_taken_unsynced_are_kept_with_boot_and_monotonic_time(
    server: FleetServer,
) -> None:
    cabinet = speaking_cabinet(server)
    event = cabinet.record("door.opened", DOOR)
    batch = msgspec.structs.replace(cabinet.batch(1, 1), clock="unsynced")
    server.ingest.accept([cabinet.inbound(UpKind.JOURNAL, batch)])
    with server.transactions.read() as tx:
        row = tx.session.scalars(select(JournalEvent)).one()
        assert (row.clock, row.boot, row.mono_ms) == ("unsynced", event.boot, event.mono_ms)


def test_a_cabinet_that_joined_and_never_spoke_is_not_silent(
    hearing: FleetServer, clock: ManualClock
) -> None:
    add_a_cabinet(hearing, add_a_site(hearing))
    enrol_a_cabinet(hearing, "C1")
    clock.advance(3600)
    look_for_silence(hearing)
    with hearing.transactions.read() as tx:
        assert list(tx.session.scalars(select(Fault))) == []


def test_p10_silence_found_in_a_transaction_that_failed_is_found_again(
    hearing: FleetServer, clock: ManualClock
) -> None:
    """A database that is away at that moment must not hide a silent cabinet for ever."""
    cabinet = speaking_cabinet(hearing)
    clock.advance(43)

    def fail() -> None:
        with hearing.transactions.write("system:test") as tx:
            declare_silent(tx, hearing.board, clock.elapsed())
            raise RuntimeError

    with pytest.raises(RuntimeError):
        fail()
    look_for_silence(hearing)
    assert not live(hearing, cabinet.cabinet_id).online
