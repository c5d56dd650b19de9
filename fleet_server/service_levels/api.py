"""Routes of service levels: the policies as data."""

import msgspec

from fleet_server.auth.api import CurrentActor
from fleet_server.auth.rules import Permission
from fleet_server.service_levels.presets import PRESETS
from fleet_server.service_levels.queries import policy_in_force
from fleet_server.service_levels.schemas import PoliciesView, PolicyView
from fleet_server.web.context import WebContext
from fleet_server.web.routes import Router

router = Router(prefix="/service-policies", tags=["service levels"])


@router.get("")
def list_policies(actor: CurrentActor, context: WebContext) -> PoliciesView:
    """List every policy and say which one is in force."""
    actor.must_somewhere(Permission.VIEW)
    with context.transactions.read() as tx:
        chosen = policy_in_force(tx.session).reference
    return PoliciesView(
        items=[
            PolicyView(
                reference=reference,
                in_force=reference == chosen,
                policy=msgspec.to_builtins(policy),
            )
            for reference, policy in sorted(PRESETS.items())
        ]
    )
