"""Lets simulated cabinets join, in bulk, in the database the server of this machine uses."""

from collections.abc import Callable
from pathlib import Path

from fleet_server.app import FleetServer, build
from fleet_server.cabinets.models import Cabinet, Site
from fleet_server.cabinets.queries import serials_or_ids_known, site_by_id
from fleet_server.cabinets.service import Registration, add_site, join_many, keys_for_cabinet
from fleet_server.settings import Settings
from fleet_server.transactions import Transaction
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
        roll = Roll(settings.fleet, signing_keys, members, settings.downlink_qos)
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
    return roll.part(members[:count])


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
    with server.transactions.write("system:load") as tx:
        names = [_name(number) for number in range(first, first + count)]
        known = set(serials_or_ids_known(tx.session, names, []))
        drafts: list[Registration] = []
        site: Site | None = None
        for number, name in enumerate(names, first):
            if name in known:
                continue
            if site is None or number % CABINETS_PER_SITE == 0:
                site = _add_site(tx, number)
            drafts.append(
                Registration(f"LOAD-{name}", site.id, "slot", Uplink.WIRED, cabinet_id=name)
            )
        tx.session.flush()
        joined = join_many(tx, server.signing, drafts, "cn")
        regions = {draft.site_id: site_by_id(tx.session, draft.site_id).region for draft in drafts}
        return [
            Member(
                one.cabinet.id, one.credential, one.cabinet.site_id, regions[one.cabinet.site_id]
            )
            for one in joined
        ]


def _add_site(tx: Transaction, number: int) -> Site:
    block = number // CABINETS_PER_SITE
    return add_site(
        tx,
        name=f"Load site {block}",
        address="1 Load Road, Shanghai",
        region=REGIONS[block % len(REGIONS)],
        latitude=31.0 + number % 100 / 200,
        longitude=121.2 + number % 89 / 200,
        time_zone="Asia/Shanghai",
    )


def _name(number: int) -> str:
    return f"L{number:06d}"


def _number(name: str) -> int:
    return int(name.removeprefix("L"))
