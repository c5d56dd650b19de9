"""Life of a fault episode: it ends once; the next one is another episode."""

from enum import StrEnum

from fleet_server.life_cycles import LifeCycle


class FaultState(StrEnum):
    """Whether the cabinet still has it."""

    ACTIVE = "active"
    CLEARED = "cleared"


FAULT_LIFE = LifeCycle(
    "fault",
    FaultState.ACTIVE,
    {
        FaultState.ACTIVE: frozenset({FaultState.CLEARED}),
        FaultState.CLEARED: frozenset(),
    },
)
