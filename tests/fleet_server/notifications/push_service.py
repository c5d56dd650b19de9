"""A push service and the browsers behind it: real TLS on a real socket, opened by RFC 8291 alone.

It shares no code with the sender: the content is decrypted with plain primitives, step by step as
the document says, so that both cannot be wrong in the same way.
"""

import base64
import contextlib
import ipaddress
import json
import ssl
import threading
from collections.abc import Iterator
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any, ClassVar

from cryptography import x509
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.hazmat.primitives.asymmetric.utils import encode_dss_signature
from cryptography.hazmat.primitives.ciphers.aead import AESGCM
from cryptography.hazmat.primitives.kdf.hkdf import HKDF
from cryptography.hazmat.primitives.serialization import (
    Encoding,
    NoEncryption,
    PrivateFormat,
    PublicFormat,
)
from cryptography.x509.oid import NameOID

CURVE = ec.SECP256R1()


def b64(raw: bytes) -> str:
    """Base64url without padding."""
    return base64.urlsafe_b64encode(raw).decode().rstrip("=")


def raw(text: str) -> bytes:
    """Bytes of it."""
    return base64.urlsafe_b64decode(text + "=" * (-len(text) % 4))


def point(key: ec.EllipticCurvePublicKey) -> bytes:
    """Uncompressed point."""
    return key.public_bytes(Encoding.X962, PublicFormat.UncompressedPoint)


class Browser:
    """A browser with a subscription."""

    def __init__(self, private: ec.EllipticCurvePrivateKey, auth: bytes) -> None:
        self._private = private
        self._auth = auth

    @classmethod
    def new(cls) -> "Browser":
        """A browser with keys of its own."""
        return cls(ec.generate_private_key(CURVE), b"0123456789abcdef")

    def subscription(self, endpoint: str) -> dict[str, Any]:
        """What `PushSubscription.toJSON()` gives."""
        keys = {"p256dh": b64(point(self._private.public_key())), "auth": b64(self._auth)}
        return {"endpoint": endpoint, "expirationTime": None, "keys": keys}

    def opened(self, body: bytes) -> bytes:
        """Content of an encrypted body (RFC 8188, 2; RFC 8291, 3.4)."""
        salt, record_size, id_length = body[:16], int.from_bytes(body[16:20], "big"), body[20]
        sender, record = body[21 : 21 + id_length], body[21 + id_length :]
        assert len(record) <= record_size, "one record only"
        public = ec.EllipticCurvePublicKey.from_encoded_point(CURVE, sender)
        shared = self._private.exchange(ec.ECDH(), public)
        info = b"WebPush: info\0" + point(self._private.public_key()) + sender
        key_material = derived(self._auth, shared, info, 32)
        key = derived(salt, key_material, b"Content-Encoding: aes128gcm\0", 16)
        nonce = derived(salt, key_material, b"Content-Encoding: nonce\0", 12)
        padded = AESGCM(key).decrypt(nonce, record, None)
        content, _, padding = padded.rpartition(b"\x02")
        assert padding.strip(b"\0") == b""
        return content


def derived(salt: bytes, key_material: bytes, info: bytes, length: int) -> bytes:
    """HKDF with SHA-256 (RFC 5869)."""
    return HKDF(hashes.SHA256(), length, salt, info).derive(key_material)


def claims_of(authorization: str) -> tuple[dict[str, Any], str]:
    """Claims and key of a VAPID header whose signature is right (RFC 8292, 3; RFC 7518, 3.4)."""
    scheme, _, rest = authorization.partition(" ")
    assert scheme == "vapid"
    parts = dict(one.strip().split("=", 1) for one in rest.split(","))
    signed, _, signature = parts["t"].rpartition(".")
    both = raw(signature)
    der = encode_dss_signature(int.from_bytes(both[:32], "big"), int.from_bytes(both[32:], "big"))
    key = ec.EllipticCurvePublicKey.from_encoded_point(CURVE, raw(parts["k"]))
    key.verify(der, signed.encode(), ec.ECDSA(hashes.SHA256()))
    header, claims = (json.loads(raw(part)) for part in signed.split("."))
    assert header == {"typ": "JWT", "alg": "ES256"}
    return claims, parts["k"]


@dataclass
class Received:
    """One request as it came."""

    path: str
    headers: dict[str, str]
    body: bytes


@dataclass
class PushService:
    """What the service got, and what it answers by path."""

    port: int
    trust: ssl.SSLContext
    received: list[Received] = field(default_factory=list)
    answers: dict[str, tuple[int, dict[str, str]]] = field(default_factory=dict)
    silent: threading.Event = field(default_factory=threading.Event)

    def endpoint(self, path: str) -> str:
        """URL of a subscription."""
        return f"https://localhost:{self.port}{path}"


class _Handler(BaseHTTPRequestHandler):
    service: ClassVar[PushService]

    def do_POST(self) -> None:  # the name the library calls
        body = self.rfile.read(int(self.headers["Content-Length"]))
        headers = {name.lower(): value for name, value in self.headers.items()}
        self.service.received.append(Received(self.path, headers, body))
        status, more = self.service.answers.get(self.path, (201, {}))
        if status == 0:
            self.service.silent.wait(30)
            return
        self.send_response(status)
        for name, value in more.items():
            self.send_header(name, value)
        self.send_header("Content-Length", "0")
        self.end_headers()

    def log_message(self, format: str, *args: object) -> None:  # noqa: A002  # the library's name
        """Say nothing."""


@contextlib.contextmanager
def push_service(folder: Path) -> Iterator[PushService]:
    """Run a push service on a free port of this machine."""
    certificate, key = _certificate()
    (folder / "push.pem").write_bytes(certificate + key)
    server_side = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    server_side.load_cert_chain(folder / "push.pem")
    handler = type("Handler", (_Handler,), {})
    with ThreadingHTTPServer(("127.0.0.1", 0), handler) as http:
        http.daemon_threads = True
        http.socket = server_side.wrap_socket(http.socket, server_side=True)
        trust = ssl.create_default_context(cadata=certificate.decode())
        service = PushService(http.server_address[1], trust)
        handler.service = service
        thread = threading.Thread(target=http.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield service
        finally:
            service.silent.set()
            http.shutdown()
            thread.join()


def _certificate() -> tuple[bytes, bytes]:
    key = ec.generate_private_key(CURVE)
    name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, "localhost")])
    start = datetime(2020, 1, 1, tzinfo=UTC)
    names = [x509.DNSName("localhost"), x509.IPAddress(ipaddress.ip_address("127.0.0.1"))]
    certificate = (
        x509.CertificateBuilder()
        .subject_name(name)
        .issuer_name(name)
        .public_key(key.public_key())
        .serial_number(1)
        .not_valid_before(start)
        .not_valid_after(start + timedelta(days=36_500))
        .add_extension(x509.SubjectAlternativeName(names), critical=False)
        .add_extension(x509.BasicConstraints(ca=True, path_length=0), critical=True)
        .sign(key, hashes.SHA256())
    )
    private = key.private_bytes(Encoding.PEM, PrivateFormat.PKCS8, NoEncryption())
    return certificate.public_bytes(Encoding.PEM), private
