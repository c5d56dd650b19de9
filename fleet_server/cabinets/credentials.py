"""Forms in which a credential of a cabinet is kept: one for each broker that may check it (P-20).

The secret has 256 bits of chance. Iterations make guessing a *password* dear; nobody guesses 2^256
keys at any price, so the fewest a broker accepts suffice, and a storm of reconnects, or a reload
at which a broker checks every open connection again, costs it no time.
"""

import base64
import hashlib

import bcrypt

from fleet_server.auth.queries import secret_hash
from fleet_server.cabinets.models import Cabinet
from fleet_server.seed import new_secret_bytes

MOSQUITTO_ITERATIONS = 1
"""Mosquitto's own tool takes 101 (`$7$`); see above why one is enough."""
MOSQUITTO_SALT_BYTES = 12
"""Length Mosquitto 2.0 insists on (`SALT_LEN` of its password file)."""
BCRYPT_COST = 4
"""Lowest there is: 2^4 rounds, about 1 ms."""


def mosquitto_form(secret: str) -> str:
    """Line of a Mosquitto password file after the colon: `$7$`, PBKDF2 with HMAC-SHA-512."""
    salt = new_secret_bytes(MOSQUITTO_SALT_BYTES)
    digest = hashlib.pbkdf2_hmac("sha512", secret.encode(), salt, MOSQUITTO_ITERATIONS)
    parts = (base64.b64encode(part).decode() for part in (salt, digest))
    return f"$7${MOSQUITTO_ITERATIONS}${'$'.join(parts)}"


def nats_form(secret: str) -> str:
    """Password of a NATS user: bcrypt."""
    return bcrypt.hashpw(secret.encode(), bcrypt.gensalt(BCRYPT_COST)).decode()


def give(cabinet: Cabinet, secret: str) -> None:
    """Let this secret, and no former one, be the cabinet's."""
    cabinet.credential_hash = secret_hash(secret)
    cabinet.credential_mosquitto = mosquitto_form(secret)
    cabinet.credential_nats = nats_form(secret)
    _changed(cabinet)


def take_away(cabinet: Cabinet) -> None:
    """Leave the cabinet without any."""
    cabinet.credential_hash = cabinet.credential_mosquitto = cabinet.credential_nats = None
    _changed(cabinet)


def _changed(cabinet: Cabinet) -> None:
    cabinet.credential_revision = (cabinet.credential_revision or 0) + 1
