"""A program as the tests of the Cryptoki layer write it: one session, short words."""

from collections.abc import Callable, Iterator
from contextlib import contextmanager

import pytest

from ghostcard import pkcs11 as ck
from ghostcard.module.cryptoki import Cryptoki
from ghostcard.module.encoding import boolean, ulong
from ghostcard.module.errors import CryptokiError

SO_PIN = b"12345678"
PIN = b"1234"
RO = ck.CKF_SERIAL_SESSION
RW = ck.CKF_SERIAL_SESSION | ck.CKF_RW_SESSION
QUICK_SCRYPT_N = 1 << 4
"""PINs take their time on purpose (`pins.SCRYPT_N`); tests of something else do not have it."""

P256 = bytes.fromhex("06082a8648ce3d030107")  # 1.2.840.10045.3.1.7
ED25519 = bytes.fromhex("06032b6570")  # 1.3.101.112

Template = list[tuple[int, bytes]]
Value = bytes | int | bool | str
Values = dict[str, Value]


def attributes(**values: Value) -> Template:
    """A template from names without CKA_: bool is CK_BBOOL, int CK_ULONG."""
    return [(getattr(ck, f"CKA_{name}"), _encoded(value)) for name, value in values.items()]


def mechanism(number: int, *parameters: bytes | int) -> bytes:
    """The bytes of a mechanism: numbers are u32."""
    parts = (part.to_bytes(4, "big") if isinstance(part, int) else part for part in parameters)
    return number.to_bytes(4, "big") + b"".join(parts)


@contextmanager
def refusing(*rvs: int) -> Iterator[None]:
    """Assert that what is inside is refused with this CK_RV, or one of these."""
    with pytest.raises(CryptokiError) as caught:
        yield
    assert caught.value.rv in rvs, str(caught.value)


class Program:
    """One session with the token of slot 0."""

    def __init__(self, library: Cryptoki, flags: int = RW) -> None:
        self.library = library
        self.session = library.open_session(0, flags)

    def login(self, user: int = ck.CKU_USER, pin: bytes = PIN) -> None:
        """Log in."""
        self.library.login(self.session, user, pin)

    def create(self, **values: Value) -> int:
        """C_CreateObject."""
        return self.library.create_object(self.session, attributes(**values))

    def data(self, label: str, **values: Value) -> int:
        """A data object."""
        return self.create(CLASS=ck.CKO_DATA, LABEL=label, **values)

    def aes(self, **values: Value) -> int:
        """An AES-256 key, generated."""
        wanted = attributes(**{"VALUE_LEN": 32, **values})
        return self.library.generate_key(self.session, mechanism(ck.CKM_AES_KEY_GEN), wanted)

    def secret(self, value: bytes, **values: Value) -> int:
        """A generic secret of known value."""
        kind: Values = {
            "CLASS": ck.CKO_SECRET_KEY,
            "KEY_TYPE": ck.CKK_GENERIC_SECRET,
            "VALUE": value,
        }
        return self.create(**{**kind, **values})

    def ec(self, curve: bytes = P256, **values: Value) -> tuple[int, int]:
        """A key pair on P-256 or Ed25519; ``values`` are for the private key."""
        edwards = curve == ED25519
        number = ck.CKM_EC_EDWARDS_KEY_PAIR_GEN if edwards else ck.CKM_EC_KEY_PAIR_GEN
        return self.library.generate_key_pair(
            self.session, mechanism(number), attributes(EC_PARAMS=curve), attributes(**values)
        )

    def rsa(self, **values: Value) -> tuple[int, int]:
        """An RSA-2048 key pair; ``values`` are for the private key."""
        return self.library.generate_key_pair(
            self.session,
            mechanism(ck.CKM_RSA_PKCS_KEY_PAIR_GEN),
            attributes(MODULUS_BITS=2048),
            attributes(**values),
        )

    def get(self, handle: int, *names: str) -> list[bytes | int]:
        """C_GetAttributeValue by names without CKA_."""
        types = [getattr(ck, f"CKA_{name}") for name in names]
        return self.library.get_attribute_value(self.session, handle, types)

    def one(self, handle: int, name: str) -> bytes:
        """The value of one attribute that must be readable."""
        (value,) = self.get(handle, name)
        assert isinstance(value, bytes), hex(value)
        return value

    def set(self, handle: int, **values: Value) -> None:
        """C_SetAttributeValue."""
        self.library.set_attribute_value(self.session, handle, attributes(**values))

    def find(self, **values: Value) -> list[int]:
        """A whole search."""
        self.library.find_objects_init(self.session, attributes(**values))
        found = self.library.find_objects(self.session, 100_000)
        self.library.find_objects_final(self.session)
        return found

    def run(self, function: str, how: bytes, key: int | None, data: bytes) -> bytes:
        """Init, a question for the length, and the call with just that room."""
        self.init(function, how, key)
        call: Callable[[int, bytes, int | None], bytes | int] = getattr(self.library, function)
        room = call(self.session, data, None)
        assert isinstance(room, int)
        result = call(self.session, data, room)
        assert isinstance(result, bytes)
        return result

    def init(self, function: str, how: bytes | None, key: int | None) -> None:
        """C_*Init."""
        begin = getattr(self.library, f"{function}_init")
        begin(self.session, how, *(() if key is None else (key,)))

    def run_in_parts(
        self, function: str, how: bytes, key: int | None, data: bytes, step: int
    ) -> bytes:
        """Init, an update per ``step`` bytes, final."""
        self.init(function, how, key)
        update = getattr(self.library, f"{function}_update")
        ciphers = function in ("encrypt", "decrypt")
        parts = []
        for start in range(0, len(data), step):
            arguments = (len(data) + 16,) if ciphers else ()
            parts.append(update(self.session, data[start : start + step], *arguments) or b"")
        final = getattr(self.library, f"{function}_final")(self.session, len(data) + 1024)
        return b"".join((*parts, final))

    def verify(self, how: bytes, key: int, data: bytes, signature: bytes) -> None:
        """A whole verification."""
        self.library.verify_init(self.session, how, key)
        self.library.verify(self.session, data, signature)


def _encoded(value: Value) -> bytes:
    if isinstance(value, bool):
        return boolean(value)
    if isinstance(value, int):
        return ulong(value)
    return value.encode() if isinstance(value, str) else value
