"""Addresses: the channels of the installation and of roles, and those people bring themselves.

Split from `service.py` by object. What a person brings is a secret that also says where this
server shall connect to: it is sealed at rest with the server's key, shown masked, limited in
number, and refused when it leads into the house.
"""

import binascii
import json
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from urllib.parse import urlsplit

from cryptography.hazmat.primitives.asymmetric import ec

from fleet_server.audit.service import record
from fleet_server.auth.rules import Role
from fleet_server.errors import ConfigurationError, ConflictError, InvalidError
from fleet_server.notifications.apprise_sender import hosts_of, label_of, schema_of
from fleet_server.notifications.models import NoticeAddress
from fleet_server.notifications.public_hosts import host_problem
from fleet_server.notifications.queries import address_by_digest, addresses_of, others_with
from fleet_server.notifications.rules import Channel, channel_digest, to_role, to_user
from fleet_server.notifications.schemas import CHANNELS_MAX, PushOrder
from fleet_server.notifications.web_push import unpadded
from fleet_server.signing import SigningService
from fleet_server.transactions import Transaction
from protocol.sealing import seal

INSTALLATION = "installation"
P256_POINT_BYTES = 65
"""Uncompressed point of P-256 (RFC 8291, 3.1: X9.62)."""
PUSH_AUTH_BYTES = 16
"""Authentication secret (RFC 8291, 3.2)."""


@dataclass(frozen=True)
class SharedChannels:
    """The apprise URLs of the settings: of the installation, and of roles."""

    installation: Sequence[str] = ()
    roles: Mapping[Role, Sequence[str]] = field(default_factory=dict)

    @classmethod
    def of(
        cls, installation: Sequence[str], roles: Mapping[str, Sequence[str]]
    ) -> "SharedChannels":
        """Channels as settings name them; ConfigurationError for a role that does not exist."""
        unknown = sorted(set(roles) - set(Role))
        if unknown:
            raise ConfigurationError(f"notice_role_channels: no role {', '.join(unknown)}")
        return cls(installation, {Role(role): urls for role, urls in roles.items()})

    def owned(self, roles: Iterable[Role]) -> list[tuple[str, str]]:
        """Owner and URL of what hears a notice to these roles."""
        found = [(INSTALLATION, url) for url in self.installation]
        found += [(to_role(role), url) for role in roles for url in self.roles.get(role, ())]
        return found

    def url_of(self, digest: str) -> str | None:
        """URL with that digest; None when the settings do not name it any more."""
        every = [url for _, url in self.owned(self.roles)]
        return next((url for url in every if channel_digest(url) == digest), None)


@dataclass(frozen=True)
class Allowed:
    """What a person may bring: apprise schemas, and hosts inside the house or not."""

    schemas: frozenset[str]
    private_hosts: bool


def shared_addresses(
    tx: Transaction, shared: SharedChannels, roles: Iterable[Role]
) -> list[NoticeAddress]:
    """Rows of the channels that hear a notice to these roles; made when first needed."""
    found = []
    for owner, url in shared.owned(roles):
        address = address_by_digest(tx.session, owner, channel_digest(url))
        if address is None:
            brought = _Brought(Channel.APPRISE, url, schema_of(url), f"{schema_of(url)}://")
            address = _new(tx, owner, brought)
        if address.removed_at is not None:  # the settings name it again
            address.removed_at = None
        found.append(address)
    return found


def add_channel(
    tx: Transaction, signing: SigningService, user_id: str, url: str, allowed: Allowed
) -> NoticeAddress:
    """Add an apprise URL of one's own. Raises InvalidError, ConflictError past CHANNELS_MAX."""
    schema = schema_of(url)
    if schema not in allowed.schemas:
        raise InvalidError("url", f"begins with none of {', '.join(sorted(allowed.schemas))}")
    label = label_of(url)
    if not label:
        raise InvalidError("url", f"is no address of {schema}")
    for host in () if allowed.private_hosts else hosts_of(url):
        problem = host_problem(host)
        if problem is not None:
            raise InvalidError("url", problem)
    brought = _Brought(Channel.APPRISE, url, schema, label, url)
    return _own(tx, signing, user_id, brought)


def add_push(
    tx: Transaction, signing: SigningService, user_id: str, order: PushOrder, allowed: Allowed
) -> NoticeAddress:
    """Add a browser. A browser that another person used before is theirs no longer.

    Raises InvalidError: https only, whole keys, no host inside the house unless that is allowed.
    """
    host = _checked(order, allowed)
    secret = json.dumps({"endpoint": order.endpoint, **order.keys.model_dump()})
    brought = _Brought(Channel.WEB_PUSH, order.endpoint, host, host, secret)
    address = _own(tx, signing, user_id, brought)
    for other in others_with(tx.session, address.digest, address.id):
        other.removed_at = tx.now
    return address


def remove(tx: Transaction, address: NoticeAddress) -> None:
    """Send nothing there any more; what is urgent and waits goes by the person's other ways."""
    address.removed_at = tx.now
    record(tx, "notice_address.removed", "notice_address", address.id)


@dataclass(frozen=True)
class _Brought:
    """An address as it came: `named` tells it from others, `secret` is all one needs to send."""

    channel: Channel
    named: str
    lane: str
    label: str
    secret: str = ""


def _own(
    tx: Transaction, signing: SigningService, user_id: str, brought: _Brought
) -> NoticeAddress:
    owner = to_user(user_id)
    address = address_by_digest(tx.session, owner, channel_digest(brought.named))
    if address is None or address.removed_at is not None:
        mine = addresses_of(tx.session, [owner])
        if sum(one.channel == brought.channel for one in mine) >= CHANNELS_MAX:
            raise ConflictError(f"{CHANNELS_MAX} of them are enough; remove one first")
    if address is None:
        address = _new(tx, owner, brought)
    address.sealed = seal(brought.secret, signing.sealing_public_key)
    address.removed_at = None
    facts = {"channel": brought.channel}
    record(tx, "notice_address.added", "notice_address", address.id, facts)
    return address


def _new(tx: Transaction, owner: str, brought: _Brought) -> NoticeAddress:
    address = NoticeAddress(
        id=tx.new_id(),
        owner=owner,
        channel=brought.channel,
        digest=channel_digest(brought.named),
        lane=f"{brought.channel}:{brought.lane}"[:80],
        label=brought.label[:120],
        created_at=tx.now,
        window_sent=0,
    )
    tx.session.add(address)
    tx.session.flush()
    return address


def _checked(order: PushOrder, allowed: Allowed) -> str:
    """Host of a subscription that can be used."""
    parts = urlsplit(order.endpoint)
    if parts.scheme != "https" or not parts.hostname or parts.username or parts.password:
        raise InvalidError("endpoint", "https://host/... is wanted")
    problem = None if allowed.private_hosts else host_problem(parts.hostname)
    if problem is not None:
        raise InvalidError("endpoint", problem)
    try:
        point = unpadded(order.keys.p256dh)
        ec.EllipticCurvePublicKey.from_encoded_point(ec.SECP256R1(), point)
        auth = unpadded(order.keys.auth)
    except (ValueError, binascii.Error) as error:
        raise InvalidError("keys", "no point of P-256 in base64url") from error
    if len(point) != P256_POINT_BYTES or len(auth) != PUSH_AUTH_BYTES:
        raise InvalidError("keys", f"{P256_POINT_BYTES} and {PUSH_AUTH_BYTES} bytes are wanted")
    return parts.hostname
