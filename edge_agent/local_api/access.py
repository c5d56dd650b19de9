"""Who may use the service side: a PIN or a signed work order gives a token for an hour.

Tokens live in memory only; a restart ends every service, as pulling the plug should.
"""

import hashlib
import hmac
from dataclasses import dataclass

import msgspec

from edge_agent.local_api.problems import ApiError
from edge_agent.outbox.timekeeper import Timekeeper
from edge_agent.rules.documents import Opener
from edge_agent.seed import Chance
from edge_agent.selling.cabinet import Cabinet
from protocol.errors import SignatureRejectedError
from protocol.service_pin import pin_matches
from protocol.signatures import Envelope, SignedKind
from protocol.wire import decode_json
from protocol.work_order import WorkOrder, WorkOrderAction

TOKEN_SECONDS = 3_600.0
"""As long as service mode lasts at most (fault catalogue, SERVICE_MODE)."""
TOKENS_MAX = 4
"""Technicians at one cabinet; a fifth login ends the oldest."""
TRIES_MAX = 5
LOCKED_SECONDS = 300.0
"""After 5 wrong PINs nobody may try for 5 minutes: 10,000 PINs take a week."""


class Login(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """Either the PIN, or the work-order token as it was scanned."""

    pin: str = ""
    work_order: Envelope | None = None


@dataclass(frozen=True)
class Access:
    """One logged-in person."""

    by: str
    ground: str
    work_order: str
    actions: frozenset[WorkOrderAction]
    until: float


class AccessDesk:
    """Gives and checks tokens."""

    def __init__(self, cabinet: Cabinet, opener: Opener, chance: Chance) -> None:
        self._cabinet = cabinet
        self._opener = opener
        self._chance = chance
        self._open: dict[bytes, Access] = {}
        self._wrong = 0
        self._locked_until = 0.0

    def login(self, login: Login) -> tuple[str, Access]:
        """Give a token. Raises ApiError or SignatureRejectedError."""
        if login.work_order is not None:
            access = self._by_work_order(login.work_order)
        elif login.pin:
            access = self._by_pin(login.pin)
        else:
            raise ApiError(422, "malformed", "give a pin or a work_order")
        self._forget_expired()
        while len(self._open) >= TOKENS_MAX:
            del self._open[next(iter(self._open))]
        token = self._chance.token_bytes(16).hex()
        self._open[_digest(token)] = access
        return token, access

    def check(self, token: str, action: WorkOrderAction) -> Access:
        """Return who holds the token. Raises ApiError."""
        access = self._held(token)
        if action not in access.actions:
            raise ApiError(403, "not-allowed", f"the work order does not allow {action}")
        return access

    def logout(self, token: str) -> bool:
        """Take a token back; return whether nobody is left inside."""
        self._held(token)
        del self._open[_digest(token)]
        self._forget_expired()
        return not self._open

    def _held(self, token: str) -> Access:
        access = self._open.get(_digest(token))
        if access is None:
            raise ApiError(401, "login-needed", "log in at /v1/service/login first")
        if self._time.elapsed() > access.until:
            del self._open[_digest(token)]
            raise ApiError(401, "login-needed", "the login is over an hour old")
        return access

    def _forget_expired(self) -> None:
        elapsed = self._time.elapsed()
        self._open = {
            digest: access for digest, access in self._open.items() if elapsed <= access.until
        }

    def _by_pin(self, pin: str) -> Access:
        elapsed = self._time.elapsed()
        if elapsed < self._locked_until:
            raise ApiError(429, "too-many-tries", "wait five minutes")
        desired = self._cabinet.parts.desired.desired
        if desired is None or not desired.service_pin_hash:
            raise ApiError(403, "no-pin", "this cabinet opens by work order only")
        if not pin_matches(pin, desired.service_pin_hash):
            self._wrong += 1
            if self._wrong >= TRIES_MAX:
                self._wrong, self._locked_until = 0, elapsed + LOCKED_SECONDS
            raise ApiError(403, "wrong-pin", "the PIN is wrong")
        self._wrong = 0
        return self._access("pin", "pin", "", frozenset(WorkOrderAction))

    def _by_work_order(self, envelope: Envelope) -> Access:
        try:
            opened = self._opener.check(envelope, SignedKind.WORK_ORDER)
        except SignatureRejectedError:
            self._cabinet.rejections.note(SignedKind.WORK_ORDER)
            raise
        order = decode_json(opened.payload, WorkOrder)
        if self._time.now() > order.not_after:
            raise ApiError(403, "work-order-over", f"valid until {order.not_after.isoformat()}")
        actions = frozenset(order.actions)
        return self._access(order.technician, "work_order", order.visit, actions)

    def _access(
        self, by: str, ground: str, work_order: str, actions: frozenset[WorkOrderAction]
    ) -> Access:
        return Access(by, ground, work_order, actions, self._time.elapsed() + TOKEN_SECONDS)

    @property
    def _time(self) -> Timekeeper:
        return self._cabinet.parts.time


def _digest(token: str) -> bytes:
    # Found by digest, so that the time of a lookup tells nothing about the token.
    return hmac.digest(b"token", token.encode(), hashlib.sha256)
