"""Lets simulated cabinets join, in bulk, in the database the server of this machine uses."""

from collections.abc import Callable
from datetime import timedelta
from pathlib import Path

from fleet_server.app import FleetServer, build
from fleet_server.cabinets.models import Cabinet
from fleet_server.cabinets.service import (
    Registration,
    add_site,
    enrol,
    keys_for_cabinet,
    make_claim,
    register,
)
from fleet_server.settings import Settings
from protocol.intervals import Uplink
from simulators.load.orders import Member, Roll, read_roll

PER_TRANSACTION = 500
"""Cabinets that join at once; the roll is kept after each of these."""
CABINETS_PER_SITE = 50
REGIONS = ("east", "north", "south", "west")
ROLL_FILE = "load-cabinets.json"


def roll_of(
    settings: Settings, count: int, progress: Callable[[int], None] = lambda _: None
) -> Roll:
    """Cabinets that joined, `count` of them: those of an earlier run first, then new ones.

    What the database knows and the roll does not (a run that was killed in between) is passed over.
    """
    path = settings.data_dir / ROLL_FILE
    server = build(settings)
    try:
        server.prepare()
        known = _known(server, path)
        members = list(known.members) if known else []
        signing_keys, _ = keys_for_cabinet(server.signing)
        roll = Roll(settings.fleet, signing_keys, members)
        first = 1 + max((_number(one.cabinet) for one in members), default=-1)
        while len(members) < count:
            wanted = min(PER_TRANSACTION, count - len(members))
            members += _join(server, first, wanted)
            first += wanted
            roll.write(path)
            progress(len(members))
        roll.write(path)
    finally:
        server.close()
    return Roll(roll.fleet, roll.signing_keys, members[:count])


def _known(server: FleetServer, path: Path) -> Roll | None:
    """Roll of an earlier run, unless the database is another one by now."""
    if not path.exists():
        return None
    roll = read_roll(path)
    with server.transactions.read() as tx:
        there = bool(roll.members)
        there = there and tx.session.get(Cabinet, roll.members[-1].cabinet) is not None
    return roll if there else None


def _join(server: FleetServer, first: int, count: int) -> list[Member]:
    members = []
    with server.transactions.write("system:load") as tx:
        site = None
        for number in range(first, first + count):
            if tx.session.get(Cabinet, _name(number)) is not None:
                continue
            if site is None or number % CABINETS_PER_SITE == 0:
                region = REGIONS[number // CABINETS_PER_SITE % len(REGIONS)]
                site = add_site(
                    tx,
                    name=f"Load site {number // CABINETS_PER_SITE}",
                    address="1 Load Road, Shanghai",
                    region=region,
                    latitude=31.0 + number % 100 / 200,
                    longitude=121.2 + number % 89 / 200,
                    time_zone="Asia/Shanghai",
                )
                tx.session.flush()
            name = _name(number)
            draft = Registration(f"LOAD-{name}", site.id, "slot", Uplink.WIRED, False, name)  # noqa: FBT003  # the draft's own order
            register(tx, server.signing, draft, "cn")
            code, _ = make_claim(tx, name, timedelta(hours=1))
            tx.session.flush()
            joined = enrol(tx, server.signing, code, f"LOAD-{name}")
            members.append(Member(name, joined.credential, site.id, site.region))
    return members


def _name(number: int) -> str:
    return f"L{number:06d}"


def _number(name: str) -> int:
    return int(name.removeprefix("L"))
