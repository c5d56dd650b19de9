"""Web Push to the technician app: sealed for the browser (RFC 8291), signed by us (RFC 8292).

`http-ece` and `py-vapid` do the cryptography: the two parts `pywebpush` is made of. `pywebpush`
itself would also connect, with a client that follows redirects and resolves names by itself; the
endpoint is something a person typed in, so connecting is done in `push_transport.py`.
"""

import base64
import json
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import http_ece
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.serialization import Encoding, PublicFormat
from py_vapid import Vapid02

from fleet_server.notifications.doors import TAKEN, Outcome, Result
from fleet_server.notifications.letters import Letter, cut
from fleet_server.seed import new_secret_bytes
from fleet_server.signing.service import key_in

PAYLOAD_BYTES_MAX = 3_000
"""Services take 4,096 bytes with 103 of overhead (RFC 8291, 4); some proxies take less."""
TITLE_BYTES_MAX = 600
SALT_BYTES = 16
TOPIC_CHARACTERS = 32
"""Longest `Topic` (RFC 8030, 5.4): a message not yet delivered is replaced by one of its topic."""
TTL = {True: timedelta(hours=4), False: timedelta(hours=24)}
"""By urgent: how long a service keeps what a sleeping phone has not fetched."""
TOKEN_LIFETIME = timedelta(hours=12)
"""A service accepts at most 24 h (RFC 8292, 2)."""
WAIT_MAX = timedelta(hours=1)
"""A service that wants more peace than this is asked again all the same."""
NOT_ASKED_AGAIN = frozenset({404, 410})
"""The subscription is gone (RFC 8030, 7.3)."""
P256_ORDER = 0xFFFFFFFF00000000FFFFFFFFFFFFFFFFBCE6FAADA7179E84F3B9CAC2FC632551
"""Order of the group (SP 800-186, 3.2.1.3): a private key is one of 1 to it less one."""


class VapidKey:
    """The key by which push services know this server; its public half is shown to browsers."""

    def __init__(self, secret: bytes, contact: str) -> None:
        number = int.from_bytes(secret, "big") % (P256_ORDER - 1) + 1
        self._vapid = Vapid02(ec.derive_private_key(number, ec.SECP256R1()))
        self._contact = contact

    @classmethod
    def load(cls, data_dir: Path, contact: str) -> "VapidKey":
        """Key of an installation; made on first use."""
        return cls(key_in(data_dir / "vapid.key"), contact)

    @property
    def public_key(self) -> str:
        """`applicationServerKey`: base64url of the uncompressed point."""
        point = self._vapid.public_key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)
        return base64.urlsafe_b64encode(point).decode().rstrip("=")

    def authorization(self, endpoint: str, now: datetime) -> str:
        """Header for one endpoint (RFC 8292, 3)."""
        parts = urlsplit(endpoint)
        expires = int((now + TOKEN_LIFETIME).timestamp())
        claims = {"aud": f"{parts.scheme}://{parts.netloc}", "exp": expires, "sub": self._contact}
        return str(self._vapid.sign(claims)["Authorization"])


@dataclass(frozen=True)
class Answer:
    """What a push service said."""

    status: int
    retry_after: str = ""


Post = Callable[[str, dict[str, str], bytes], Answer]
"""`post(url, headers, body)`; raises OSError or PrivateHostError when there is no answer."""


class WebPushSender:
    """Sends one message to one browser."""

    def __init__(
        self, key: Callable[[], VapidKey], post: Post, now: Callable[[], datetime]
    ) -> None:
        """`key` is asked for when the first message leaves: most processes never send one."""
        self._key = key
        self._post = post
        self._now = now

    def send(self, secret: str, letter: Letter, key: str) -> Outcome:
        """Seal and post; the service's answer decides."""
        subscription = json.loads(secret)
        body = sealed(payload(letter), subscription["p256dh"], subscription["auth"])
        headers = {
            "Authorization": self._key().authorization(subscription["endpoint"], self._now()),
            "Content-Encoding": "aes128gcm",
            "Content-Type": "application/octet-stream",
            "TTL": str(int(TTL[letter.urgent].total_seconds())),
            "Topic": key[:TOPIC_CHARACTERS],
            "Urgency": "high" if letter.urgent else "normal",
        }
        return outcome_of(self._post(subscription["endpoint"], headers, body))


def payload(letter: Letter) -> bytes:
    """JSON the app shows: title, text, where a tap leads, and what it takes the place of."""
    said = {
        "title": cut(letter.title, TITLE_BYTES_MAX),
        "body": "",
        "path": letter.path,
        "tag": letter.tag,
        "urgent": letter.urgent,
    }
    # What escaping costs is not known before: the longest body that fits is found by halving.
    low, high = 0, len(letter.body.encode())
    while low < high:
        middle = (low + high + 1) // 2
        fits = len(_encoded(said | {"body": cut(letter.body, middle)})) <= PAYLOAD_BYTES_MAX
        low, high = (middle, high) if fits else (low, middle - 1)
    return _encoded(said | {"body": cut(letter.body, low)})


def sealed(content: bytes, p256dh: str, auth: str) -> bytes:
    """Encrypt for one browser, in one record (RFC 8291, 3 and 4)."""
    body: bytes = http_ece.encrypt(
        content,
        salt=new_secret_bytes(SALT_BYTES),
        private_key=ec.generate_private_key(ec.SECP256R1()),
        dh=unpadded(p256dh),
        auth_secret=unpadded(auth),
        version="aes128gcm",
    )
    return body


def outcome_of(answer: Answer) -> Outcome:
    """Read a push service's answer."""
    if 200 <= answer.status < 300:
        return TAKEN
    if answer.status in NOT_ASKED_AGAIN:
        return Outcome(Result.GONE, f"the service says {answer.status}")
    wait = None
    if answer.retry_after.isdecimal():  # the other form, a date, no push service sends
        wait = min(timedelta(seconds=int(answer.retry_after[:6])), WAIT_MAX)
    return Outcome(Result.REFUSED, f"the service says {answer.status}", wait)


def _encoded(said: dict[str, Any]) -> bytes:
    return json.dumps(said, ensure_ascii=False).encode()


def unpadded(text: str) -> bytes:
    """Bytes of base64url without padding (RFC 7515, 2)."""
    return base64.b64decode(text + "=" * (-len(text) % 4), altchars=b"-_", validate=True)
