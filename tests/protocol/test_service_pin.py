"""The on-site PIN as it stands in the desired state."""

import pytest

from protocol.errors import MalformedMessageError
from protocol.service_pin import check_pin_hash, hash_pin, pin_matches

SALT = bytes(range(16))


def test_only_the_right_pin_matches() -> None:
    text = hash_pin("4711", SALT)
    assert pin_matches("4711", text)
    assert not pin_matches("4712", text)
    assert not pin_matches("", text)
    assert "4711" not in text


@pytest.mark.parametrize(
    "text",
    [
        "",
        "4711",
        "scrypt$4096$8$1$AA==",
        "scrypt$4097$8$1$AA==$AA==",
        "scrypt$1048576$8$1$AA==$AA==",
        "scrypt$4096$8$9$AA==$AA==",
        "bcrypt$4096$8$1$AA==$AA==",
        "scrypt$x$8$1$AA==$AA==",
        "scrypt$4096$8$1$!$AA==",
    ],
)
def test_a_text_that_is_no_such_hash_is_refused(text: str) -> None:
    with pytest.raises(MalformedMessageError):
        check_pin_hash(text)
