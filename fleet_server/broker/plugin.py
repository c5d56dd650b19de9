"""amqtt plugin: authentication and access on the server's own database (P-20)."""

import asyncio
import hmac
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from amqtt.contexts import Action, BaseContext
from amqtt.plugins.base import BaseAuthPlugin, BaseTopicPlugin
from amqtt.session import Session

from fleet_server.auth.queries import secret_hash
from fleet_server.broker.queries import credential_of
from fleet_server.broker.rules import may_publish, may_receive, may_subscribe, may_will
from fleet_server.database import connect
from fleet_server.logs import get_logger
from protocol.identity import SERVER_USER

log = get_logger("broker")


class FleetAccessPlugin(BaseAuthPlugin, BaseTopicPlugin):  # type: ignore[misc]  # amqtt is untyped
    """Nobody anonymous; client id = user = cabinet id (P-0)."""

    @dataclass
    class Config:
        """What the plugin needs; amqtt builds it from the broker's configuration."""

        fleet: str
        database_url: str
        secret_file: str

    def __init__(self, context: BaseContext) -> None:
        super().__init__(context)
        config: Any = self.context.config
        self._fleet: str = config.fleet
        self._engine = connect(config.database_url)
        self._server_secret = Path(config.secret_file).read_text()

    async def authenticate(self, *, session: Session) -> bool:
        """Known credential, matching client id, and a will only where it may publish."""
        user, password = session.username or "", session.password or ""
        right = await self._knows(session, user, password)
        fine = (
            right
            and bool(session.clean_session)
            and may_will(self._fleet, user, session.will_topic if session.will_flag else None)
        )
        if not fine:
            log.warning("broker.refused", user=user, client=session.client_id, known=right)
        return fine

    async def _knows(self, session: Session, user: str, password: str) -> bool:
        if user == SERVER_USER:
            return hmac.compare_digest(password.encode(), self._server_secret.encode())
        if not user or session.client_id != user:
            return False
        wanted = await asyncio.to_thread(credential_of, self._engine, user)
        return wanted is not None and hmac.compare_digest(wanted, secret_hash(password))

    async def topic_filtering(
        self,
        *,
        session: Session | None = None,
        topic: str | None = None,
        action: Action | None = None,
    ) -> bool:
        """Say whether this session may do this; everything unclear is no."""
        if session is None or topic is None or not session.username:
            return False
        allowed = {
            Action.PUBLISH: may_publish,
            Action.SUBSCRIBE: may_subscribe,
            Action.RECEIVE: may_receive,
        }
        rule = allowed.get(action) if action is not None else None
        return rule is not None and rule(self._fleet, session.username, topic)

    async def close(self) -> None:
        """Let go of the database."""
        self._engine.dispose()
