"""Life cycles: of a cabinet (P-19) and of an order to it (P-14)."""

from enum import StrEnum

from fleet_server.life_cycles import LifeCycle


class CabinetState(StrEnum):
    """Life of a cabinet."""

    REGISTERED = "registered"
    ENROLLED = "enrolled"
    IN_SERVICE = "in_service"
    RETIRED = "retired"


CABINET_LIFE = LifeCycle(
    "cabinet",
    CabinetState.REGISTERED,
    {
        CabinetState.REGISTERED: frozenset({CabinetState.ENROLLED, CabinetState.RETIRED}),
        CabinetState.ENROLLED: frozenset({CabinetState.IN_SERVICE, CabinetState.RETIRED}),
        CabinetState.IN_SERVICE: frozenset({CabinetState.RETIRED}),
        CabinetState.RETIRED: frozenset(),
    },
)


class CommandState(StrEnum):
    """Life of an order: finished ones say how."""

    CREATED = "created"
    SENT = "sent"
    SUCCEEDED = "succeeded"
    FAILED = "failed"
    REJECTED = "rejected"
    EXPIRED = "expired"
    CANCELLED = "cancelled"
    UNKNOWN = "unknown"


_ANSWERS = frozenset({CommandState.SUCCEEDED, CommandState.FAILED, CommandState.REJECTED})

COMMAND_LIFE = LifeCycle(
    "command",
    CommandState.CREATED,
    {
        CommandState.CREATED: frozenset(
            {CommandState.SENT, CommandState.CANCELLED, CommandState.EXPIRED}
        ),
        # Unknown: its time ran out after it was sent; the cabinet may still tell (P-13).
        CommandState.SENT: _ANSWERS | {CommandState.EXPIRED, CommandState.UNKNOWN},
        CommandState.UNKNOWN: _ANSWERS,
        CommandState.SUCCEEDED: frozenset(),
        CommandState.FAILED: frozenset(),
        CommandState.REJECTED: frozenset(),
        CommandState.EXPIRED: frozenset(),
        CommandState.CANCELLED: frozenset(),
    },
)
