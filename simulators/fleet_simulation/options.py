"""How rough a run is: every rate is drawn from the seed, so that runs differ in kind (swarm).

Half of the troubles are off in any one run. A fault that only shows without others would drown
where everything goes wrong all the time.
"""

from dataclasses import dataclass, fields

from simulators.fleet_simulation.dice import Dice

STEPS = 220
"""Steps of one run: some twenty virtual minutes to an hour, about two seconds of one core."""
CABINETS_MIN, CABINETS_MAX = 2, 6
OFF_SHARE = 0.5


@dataclass(frozen=True)
class Options:
    """What a run is made of. Rates of a network are of a message, the others of a step."""

    cabinets: int
    steps: int
    loss: float
    copy: float
    delay_seconds: float
    reorder: float
    partition: float
    broker_restart: float
    server_crash: float
    server_restore: float
    rival_ingest: float
    agent_crash: float
    store_loss: float
    store_rollback: float
    clock_jump: float
    poison: float
    rubbish: float
    replay: float
    telemetry_flood: float

    @property
    def described(self) -> str:
        """Name the rates that are on."""
        named = [(one.name, getattr(self, one.name)) for one in fields(self)]
        return " ".join(f"{name}={value:g}" for name, value in named if value)


RATES_MAX = {
    "loss": 0.25,
    "copy": 0.25,
    "delay_seconds": 8.0,
    "reorder": 0.3,
    "partition": 0.03,
    "broker_restart": 0.02,
    "server_crash": 0.06,
    "server_restore": 0.012,
    "rival_ingest": 0.5,
    "agent_crash": 0.04,
    "store_loss": 0.006,
    "store_rollback": 0.008,
    "clock_jump": 0.02,
    "poison": 0.02,
    "rubbish": 0.03,
    "replay": 0.1,
    "telemetry_flood": 0.03,
}


def drawn_options(dice: Dice, steps: int, cabinets: int | None = None) -> Options:
    """Draw the options of a run."""
    drawn = dice.number(CABINETS_MIN, CABINETS_MAX)
    rates = {
        name: 0.0 if dice.happens(OFF_SHARE) else dice.seconds(0.1, 1.0) * most
        for name, most in RATES_MAX.items()
    }
    return Options(cabinets=drawn if cabinets is None else cabinets, steps=steps, **rates)
