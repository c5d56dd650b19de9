"""Cases of devices that fall silent, payment, vending, scales, power (hardware reference 6.2)."""

from functools import partial

from edge_agent.drivers.readings import InputRole, MachinePart, PaymentEvent
from protocol.faults import Severity
from tests.edge_agent.detection.cabinet import CLOSED
from tests.edge_agent.detection.case import MAINS, Case, run, say, then
from tests.edge_agent.detection.words import (
    cooling,
    latch,
    machine,
    mains,
    silent,
    till,
    weight,
    wired,
)

HOUR = 3_600.0
carel_silent = partial(silent, "refrigeration", "carel", "chiller")
vmc_silent = partial(silent, "spiral_board", "vmc", "11", "12")
coins = partial(machine, MachinePart.COIN_MECH)
bills = partial(machine, MachinePart.BILL_VALIDATOR)
elevator = partial(machine, MachinePart.ELEVATOR)
enabled, inactive, reset, approved, denied = (
    partial(till, event)
    for event in (
        PaymentEvent.ENABLED,
        PaymentEvent.INACTIVE,
        PaymentEvent.RESET,
        PaymentEvent.APPROVED,
        PaymentEvent.DENIED,
    )
)
door, settled = partial(latch, CLOSED), partial(weight, 500.0)
at_rail = partial(weight, None, rail=True)
restless = partial(weight, 500.0, stable=False)
lost, back = partial(mains, present=False), partial(mains, present=True)
battery = partial(wired, InputRole.BACKUP_BATTERY_GOOD)
tilted = partial(wired, InputRole.TILTED)

SILENT = (
    Case(
        "MODBUS_DEVICE_COMM",
        "carel",
        Severity.M,
        cause="silent",
        harmless=then(run(12, carel_silent, every=3.0), say(cooling), times=20),
        almost=run(12, carel_silent, every=3.0),
        raised=run(3, carel_silent, every=3.0),
        since_seconds=12,
        limit=5,
        held=run(2, cooling),
        cleared=say(cooling),
    ),
    Case(
        "DEVICE_COMM",
        "vmc",
        Severity.M,
        cause="silent",
        almost=run(12, vmc_silent, every=3.0),
        raised=run(3, vmc_silent, every=3.0),
        since_seconds=12,
        limit=5,
        held=run(2, partial(coins, good=True)),
        cleared=say(partial(coins, good=True)),
    ),
)

PAYMENT = (
    Case(
        "PAY_READER_OFFLINE",
        "till",
        Severity.M,
        cause="not_enabled",
        harmless=then(say(inactive), run(298), say(enabled), run(60), times=5),
        almost=then(say(inactive), run(299)),
        raised=run(1),  # time alone decides: a reader speaks only when something changes
        since_seconds=300,
        limit=300,
        held=then(say(enabled), run(59)),
        cleared=run(1),
        across_reboot=False,  # it was off with the agent, and its time begins anew
    ),
    Case(
        "PAY_DECLINE_RATE",
        "till",
        Severity.N,
        cause="declined",
        harmless=then(run(9, approved), say(denied), times=20),
        almost=then(run(45, approved), run(5, denied)),
        raised=say(denied),
        limit=90.0,
        held=run(47, approved),
        cleared=say(approved),
    ),
    Case(
        "PAY_RESET_LOOP",
        "till",
        Severity.N,
        cause="resets",
        harmless=run(2 * HOUR, reset, every=121.0),
        almost=run(300, reset, every=60.0),
        raised=run(60, reset, every=60.0),
        since_seconds=600,
        limit=5,
        held=run(1_799),
        cleared=run(1),
    ),
    *(
        Case(
            code,
            str(part),
            Severity.N,
            harmless=run(60, partial(word, good=True)),
            raised=say(partial(word, good=False)),
            held=run(60, partial(word, good=False)),
            cleared=say(partial(word, good=True)),
        )
        for code, part, word in (
            ("COIN_MECH", MachinePart.COIN_MECH, coins),
            ("BILL_VALIDATOR", MachinePart.BILL_VALIDATOR, bills),
        )
    ),
    Case(
        "VEND_FAIL",
        str(MachinePart.ELEVATOR),
        Severity.M,
        cause="controller",
        raised=say(partial(elevator, good=False)),
        held=run(60, partial(elevator, good=False)),
        cleared=say(partial(elevator, good=True)),
    ),
)

SCALES = (
    Case(
        "SCALE_DRIFT",
        "top",
        Severity.N,
        cause="zero_moved",
        harmless=then(
            run(10, door, settled), run(2 * HOUR, door, partial(weight, 519.0), every=10.0)
        ),
        almost=then(run(10, door, settled), run(1_800, door, partial(weight, 520.5))),
        raised=say(door, partial(weight, 520.5)),
        since_seconds=1_800,
        limit=20.0,
        held=run(600, door, partial(weight, 479.5)),
        cleared=say(door, partial(weight, 481.0)),
        across_gap=False,
    ),
    Case(
        "SCALE_FAIL",
        "top",
        Severity.M,
        cause="no_weight",
        harmless=then(run(10, at_rail), say(settled), times=20),
        almost=run(10, at_rail),
        raised=say(at_rail),
        since_seconds=10,
        limit=10,
        held=run(300, settled),
        cleared=say(settled),
        muted=True,
    ),
    Case(
        "SCALE_FAIL",
        "top",
        Severity.M,
        cause="never_stable",
        harmless=then(run(60, door, restless), say(door, settled), times=10),
        almost=run(60, door, restless),
        raised=say(door, restless),
        since_seconds=60,
        limit=60,
        held=run(300, door, settled),
        cleared=say(door, settled),
    ),
)

POWER = (
    Case(
        "POWER_LOST",
        MAINS,
        Severity.M,
        cause="not_mains_present",
        harmless=then(say(lost), say(back), times=60),
        almost=say(lost),
        raised=say(lost),
        since_seconds=1,
        limit=1,
        held=run(30, back),
        cleared=say(back),
    ),
    Case(
        "POWER_BACK",
        MAINS,
        Severity.I,
        cause="back",
        harmless=then(say(lost), run(60, back)),
        almost=run(5, lost),
        raised=say(back),
        held=lambda _cabinet: [],
        cleared=say(back),
    ),
    Case(
        "BACKUP_BATTERY",
        "backup_battery_good",
        Severity.N,
        cause="not_backup_battery_good",
        almost=run(60, partial(battery, active=False)),
        raised=say(partial(battery, active=False)),
        since_seconds=60,
        limit=60,
        held=run(600, partial(battery, active=True)),
        cleared=say(partial(battery, active=True)),
    ),
    Case(
        "TAMPER_TILT",
        "tilted",
        Severity.C,
        cause="tilted",
        harmless=then(run(2, partial(tilted, active=True)), say(partial(tilted, active=False))),
        almost=run(2, partial(tilted, active=True)),
        raised=say(partial(tilted, active=True)),
        since_seconds=2,
        limit=2,
        held=run(HOUR, partial(tilted, active=False)),
        cleared=say(partial(tilted, active=False)),
        latched=True,
        muted=True,
    ),
)

CASES = (*SILENT, *PAYMENT, *SCALES, *POWER)
