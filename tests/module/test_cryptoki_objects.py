"""Objects: created, found, read, changed, copied, destroyed; keys in clear on their way."""

import subprocess
import sys
import time
from pathlib import Path

import pytest
from cryptography.hazmat.primitives import serialization
from cryptography.hazmat.primitives.asymmetric import ec, ed25519, rsa

from ghostcard import pkcs11 as ck
from ghostcard.module import der
from ghostcard.module.attributes import CKA_IBM_PROTKEY_EXTRACTABLE
from ghostcard.module.cryptoki import Cryptoki
from ghostcard.module.encoding import FALSE, TRUE, big, ulong
from tests.module.program import ED25519, P256, Program, Values, attributes, mechanism, refusing

ECDSA = mechanism(ck.CKM_ECDSA)
SHA256_RSA = mechanism(ck.CKM_SHA256_RSA_PKCS)
# RFC 4231, test case 2
HMAC_KEY, HMAC_DATA = b"Jefe", b"what do ya want for nothing?"
HMAC_SHA256 = bytes.fromhex("5bdcc146bf60754e6a042426089575c75a003f089d2739839dec58b964ec3843")


def test_a_search_by_every_kind_of_attribute(program: Program) -> None:
    one = program.data("one", APPLICATION="app", VALUE=b"1")
    two = program.data("two", APPLICATION="app", VALUE=b"2", TOKEN=True)
    key = program.aes(LABEL="two", ID=b"\x01")
    assert program.find() == [one, two, key]
    assert program.find(LABEL="two") == [two, key]
    assert program.find(LABEL="two", CLASS=ck.CKO_DATA) == [two]
    assert program.find(CLASS=ck.CKO_SECRET_KEY) == [key]
    assert program.find(ID=b"\x01") == [key]
    assert program.find(APPLICATION="app") == [one, two]
    assert program.find(APPLICATION="app", TOKEN=True) == [two]
    assert program.find(VALUE=b"1") == [one]
    assert program.find(KEY_TYPE=ck.CKK_AES) == [key]
    assert program.find(LABEL="two", KEY_TYPE=ck.CKK_RSA) == []
    assert program.find(UNIQUE_ID=program.one(key, "UNIQUE_ID")) == [key]
    assert program.find(LABEL="three") == []


def test_a_search_does_not_tell_of_hidden_values(program: Program) -> None:
    program.secret(HMAC_KEY)
    assert program.find(VALUE=HMAC_KEY) == []


def test_search_in_portions(program: Program) -> None:
    made = [program.data(str(number)) for number in range(10)]
    library, session = program.library, program.session
    with refusing(ck.CKR_OPERATION_NOT_INITIALIZED):
        library.find_objects(session, 1)
    with refusing(ck.CKR_OPERATION_NOT_INITIALIZED):
        library.find_objects_final(session)
    library.find_objects_init(session, [])
    with refusing(ck.CKR_OPERATION_ACTIVE):
        library.find_objects_init(session, [])
    portions = [library.find_objects(session, size) for size in (0, 3, 6, 5, 5)]
    assert portions == [[], made[:3], made[3:9], made[9:], []]
    library.find_objects_final(session)
    with refusing(ck.CKR_ATTRIBUTE_VALUE_INVALID):
        library.find_objects_init(session, [(ck.CKA_CLASS, b"\x01")])


def test_a_search_among_many_is_quick(program: Program) -> None:
    """10,000 objects: one by its label in well under 100 us, where a walk over all takes longer."""
    for number in range(10_000):
        program.data(f"object {number}")
    best = min(
        _time(lambda: program.find(LABEL="object 7777", CLASS=ck.CKO_DATA)) for _ in range(50)
    )
    assert best < 50e-6


def _time(action: object) -> float:
    start = time.perf_counter()
    action()  # type: ignore[operator]
    return time.perf_counter() - start


def test_life_of_a_data_object(program: Program) -> None:
    library, session = program.library, program.session
    made = program.data("label", VALUE=b"value", TOKEN=True)
    assert program.get(made, "LABEL", "VALUE", "APPLICATION", "MODIFIABLE") == [
        b"label",
        b"value",
        b"",
        TRUE,
    ]
    program.set(made, LABEL="another", VALUE=b"new")
    assert program.get(made, "LABEL", "VALUE") == [b"another", b"new"]
    assert program.find(LABEL="label") == []
    before = library.get_object_size(session, made)
    program.set(made, VALUE=bytes(100))
    assert library.get_object_size(session, made) == before + 97
    library.destroy_object(session, made)
    for use in (
        lambda: program.get(made, "LABEL"),
        lambda: program.set(made, LABEL="x"),
        lambda: library.destroy_object(session, made),
        lambda: library.copy_object(session, made, []),
        lambda: library.get_object_size(session, made),
    ):
        with refusing(ck.CKR_OBJECT_HANDLE_INVALID):
            use()


def test_a_change_is_whole_or_not_at_all(program: Program) -> None:
    made = program.data("label")
    with refusing(ck.CKR_ATTRIBUTE_READ_ONLY):
        program.set(made, LABEL="changed", UNIQUE_ID=b"mine")
    assert program.one(made, "LABEL") == b"label"


def test_attributes_that_are_not_there(program: Program) -> None:
    made = program.data("label")
    unknown = ck.CKA_VENDOR_DEFINED | 0x4711
    values = program.library.get_attribute_value(
        program.session, made, [ck.CKA_MODULUS, ck.CKA_LABEL, unknown, ck.CKA_SENSITIVE]
    )
    invalid = ck.CKR_ATTRIBUTE_TYPE_INVALID
    assert values == [invalid, b"label", invalid, invalid]


def test_the_vendor_attribute_of_ep11(program: Program) -> None:
    """CKA_IBM_PROTKEY_EXTRACTABLE is a boolean that goes one way."""
    key = program.aes()
    library, session = program.library, program.session
    (value,) = library.get_attribute_value(session, key, [CKA_IBM_PROTKEY_EXTRACTABLE])
    assert value == FALSE
    with refusing(ck.CKR_ATTRIBUTE_READ_ONLY):
        library.set_attribute_value(session, key, [(CKA_IBM_PROTKEY_EXTRACTABLE, TRUE)])


def test_flags_that_forbid(program: Program) -> None:
    library, session = program.library, program.session
    made = program.data("x", MODIFIABLE=False, COPYABLE=False, DESTROYABLE=False)
    with refusing(ck.CKR_ACTION_PROHIBITED):
        program.set(made, LABEL="y")
    with refusing(ck.CKR_ACTION_PROHIBITED):
        library.copy_object(session, made, [])
    with refusing(ck.CKR_ACTION_PROHIBITED):
        library.destroy_object(session, made)


def test_copies(program: Program) -> None:
    library, session = program.library, program.session
    source = program.aes(LABEL="source", EXTRACTABLE=True, SENSITIVE=False)
    copy = library.copy_object(
        session, source, attributes(LABEL="copy", TOKEN=True, ENCRYPT=False, EXTRACTABLE=False)
    )
    assert program.get(copy, "LABEL", "TOKEN", "ENCRYPT", "EXTRACTABLE") == [
        b"copy",
        TRUE,
        FALSE,
        FALSE,
    ]
    assert program.get(copy, "VALUE") == [ck.CKR_ATTRIBUTE_SENSITIVE]
    assert len(program.one(source, "VALUE")) == 32
    assert program.one(copy, "UNIQUE_ID") != program.one(source, "UNIQUE_ID")
    assert program.one(copy, "CHECK_VALUE") == program.one(source, "CHECK_VALUE")
    ecb = mechanism(ck.CKM_AES_ECB)
    encrypted = program.run("encrypt", ecb, source, bytes(16))
    with refusing(ck.CKR_KEY_FUNCTION_NOT_PERMITTED):
        program.init("encrypt", ecb, copy)
    assert program.run("decrypt", ecb, copy, encrypted) == bytes(16)
    with refusing(ck.CKR_ATTRIBUTE_READ_ONLY):
        library.copy_object(session, copy, attributes(EXTRACTABLE=True))


def test_certificates(program: Program) -> None:
    made = program.create(
        CLASS=ck.CKO_CERTIFICATE,
        CERTIFICATE_TYPE=ck.CKC_X_509,
        SUBJECT=b"subject",
        ISSUER=b"issuer",
        SERIAL_NUMBER=b"\x02\x01\x01",
        VALUE=b"certificate",
        TOKEN=True,
    )
    assert program.find(CLASS=ck.CKO_CERTIFICATE, SUBJECT=b"subject") == [made]
    assert program.get(made, "VALUE", "CERTIFICATE_CATEGORY", "TRUSTED", "PRIVATE") == [
        b"certificate",
        ulong(0),
        FALSE,
        FALSE,
    ]
    with refusing(ck.CKR_ATTRIBUTE_READ_ONLY):
        program.set(made, TRUSTED=True)


def test_a_secret_key_in_clear_goes_in_and_comes_out(program: Program) -> None:
    key = program.secret(HMAC_KEY)
    assert program.run("sign", mechanism(ck.CKM_SHA256_HMAC), key, HMAC_DATA) == HMAC_SHA256
    assert program.get(key, "VALUE", "VALUE_LEN", "LOCAL", "ALWAYS_SENSITIVE") == [
        HMAC_KEY,
        ulong(4),
        FALSE,
        FALSE,
    ]
    assert program.one(key, "KEY_GEN_MECHANISM") == ulong(ck.CK_UNAVAILABLE_INFORMATION)


READABLE = {
    # (CKA_SENSITIVE, CKA_EXTRACTABLE) -> is the value to be read?
    (False, True): True,
    (True, True): False,
    (False, False): False,
    (True, False): False,
}


@pytest.mark.parametrize(("sensitive", "extractable"), READABLE)
def test_which_values_may_be_read(program: Program, sensitive: bool, extractable: bool) -> None:
    """PKCS #11 3.2, note 7: hidden if CKA_SENSITIVE is CK_TRUE or CKA_EXTRACTABLE is CK_FALSE."""
    flags: Values = {"SENSITIVE": sensitive, "EXTRACTABLE": extractable}
    key = program.secret(HMAC_KEY, **flags)
    _, private = program.ec(P256, **flags)
    hidden = ck.CKR_ATTRIBUTE_SENSITIVE
    if READABLE[sensitive, extractable]:
        assert program.get(key, "VALUE") == [HMAC_KEY]
        assert len(program.one(private, "VALUE")) <= 32
        return
    assert program.get(key, "VALUE", "VALUE_LEN") == [hidden, ulong(4)]
    assert program.get(private, "VALUE", "EC_PARAMS") == [hidden, P256]
    with refusing(ck.CKR_KEY_INDIGESTIBLE):
        program.init("digest", mechanism(ck.CKM_SHA256), None)
        program.library.digest_key(program.session, key)


def test_sensitivity_is_a_one_way_street(program: Program) -> None:
    key = program.aes(SENSITIVE=False, EXTRACTABLE=True)
    assert program.get(key, "ALWAYS_SENSITIVE", "NEVER_EXTRACTABLE") == [FALSE, FALSE]
    program.set(key, SENSITIVE=True, EXTRACTABLE=False)
    assert program.get(key, "SENSITIVE", "ALWAYS_SENSITIVE") == [TRUE, FALSE]
    assert program.get(key, "EXTRACTABLE", "NEVER_EXTRACTABLE") == [FALSE, FALSE]
    for back in ({"SENSITIVE": False}, {"EXTRACTABLE": True}):
        with refusing(ck.CKR_ATTRIBUTE_READ_ONLY):
            program.set(key, **back)


def test_the_card_enforces_what_was_changed(program: Program) -> None:
    """The key's new blob says no, not only the host's table."""
    public, private = program.ec()
    program.run("sign", ECDSA, private, bytes(32))
    program.set(private, SIGN=False)
    with refusing(ck.CKR_KEY_FUNCTION_NOT_PERMITTED):
        program.init("sign", ECDSA, private)
    slot = program.library._slots[0]
    blob = slot.token.objects[private].blob
    with pytest.raises(Exception, match="0x68"):
        slot.host.sign_single(ECDSA, blob, bytes(32))
    program.set(private, SIGN=True)
    program.verify(ECDSA, public, bytes(32), program.run("sign", ECDSA, private, bytes(32)))


@pytest.fixture(scope="module")
def rsa_key() -> rsa.RSAPrivateKey:
    return rsa.generate_private_key(65537, 2048)


def _rsa_parts(key: rsa.RSAPrivateKey) -> dict[str, bytes]:
    private = key.private_numbers()
    public = private.public_numbers
    return {
        "MODULUS": big(public.n),
        "PUBLIC_EXPONENT": big(public.e),
        "PRIVATE_EXPONENT": big(private.d),
        "PRIME_1": big(private.p),
        "PRIME_2": big(private.q),
        "EXPONENT_1": big(private.dmp1),
        "EXPONENT_2": big(private.dmq1),
        "COEFFICIENT": big(private.iqmp),
    }


@pytest.mark.parametrize(
    "left_out",
    [
        set(),
        {"PUBLIC_EXPONENT"},
        {"EXPONENT_1", "EXPONENT_2", "COEFFICIENT"},
        {"PRIME_1", "PRIME_2", "EXPONENT_1", "EXPONENT_2", "COEFFICIENT"},
        {"PUBLIC_EXPONENT", "PRIME_1", "PRIME_2", "EXPONENT_1", "EXPONENT_2", "COEFFICIENT"},
    ],
)
def test_rsa_private_keys_in_clear(
    program: Program, rsa_key: rsa.RSAPrivateKey, left_out: set[str]
) -> None:
    """What the template leaves out of an RSA key is computed."""
    parts = _rsa_parts(rsa_key)
    given = {name: value for name, value in parts.items() if name not in left_out}
    kind: Values = {"CLASS": ck.CKO_PRIVATE_KEY, "KEY_TYPE": ck.CKK_RSA}
    key = program.create(**kind, **given, SENSITIVE=False, EXTRACTABLE=True)
    public = program.create(
        CLASS=ck.CKO_PUBLIC_KEY,
        KEY_TYPE=ck.CKK_RSA,
        MODULUS=parts["MODULUS"],
        PUBLIC_EXPONENT=parts["PUBLIC_EXPONENT"],
    )
    program.verify(SHA256_RSA, public, b"data", program.run("sign", SHA256_RSA, key, b"data"))
    read = dict(zip(parts, program.get(key, *parts), strict=True))
    assert (read["MODULUS"], read["PUBLIC_EXPONENT"]) == (
        parts["MODULUS"],
        parts["PUBLIC_EXPONENT"],
    )
    assert {read["PRIME_1"], read["PRIME_2"]} == {parts["PRIME_1"], parts["PRIME_2"]}
    info = program.one(public, "PUBLIC_KEY_INFO")
    assert program.one(key, "PUBLIC_KEY_INFO") == info
    assert info == rsa_key.public_key().public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )


def test_rsa_keys_whose_parts_do_not_fit(program: Program, rsa_key: rsa.RSAPrivateKey) -> None:
    kind: Values = {"CLASS": ck.CKO_PRIVATE_KEY, "KEY_TYPE": ck.CKK_RSA}
    parts = _rsa_parts(rsa_key)
    for name in parts.keys() - {"PUBLIC_EXPONENT"}:
        bent = parts[name][:-1] + bytes((parts[name][-1] ^ 2,))
        with refusing(ck.CKR_ATTRIBUTE_VALUE_INVALID):
            program.create(**kind, **{**parts, name: bent})


@pytest.mark.parametrize("wrapped_point", [True, False])
def test_elliptic_keys_in_clear(program: Program, wrapped_point: bool) -> None:
    """CKA_EC_POINT as the OCTET STRING it should be, and as the bare point some programs write."""
    key = ec.generate_private_key(ec.SECP256R1())
    point = key.public_key().public_bytes(
        serialization.Encoding.X962, serialization.PublicFormat.UncompressedPoint
    )
    octets = der.encode(der.OCTET_STRING, point)
    kind: Values = {"KEY_TYPE": ck.CKK_EC, "EC_PARAMS": P256}
    private = program.create(
        CLASS=ck.CKO_PRIVATE_KEY,
        VALUE=big(key.private_numbers().private_value, 32),
        SENSITIVE=False,
        EXTRACTABLE=True,
        **kind,
    )
    public = program.create(
        CLASS=ck.CKO_PUBLIC_KEY, EC_POINT=octets if wrapped_point else point, **kind
    )
    program.verify(ECDSA, public, bytes(32), program.run("sign", ECDSA, private, bytes(32)))
    assert program.one(public, "EC_POINT") == program.one(private, "EC_POINT") == octets
    assert int.from_bytes(program.one(private, "VALUE"), "big") == (
        key.private_numbers().private_value
    )


def test_edwards_keys_in_clear(program: Program) -> None:
    """RFC 8032, 7.1, test 2."""
    seed = bytes.fromhex("4ccd089b28ff96da9db6c346ec114e0f5b8a319f35aba624da8cf6ed4fb8a6fb")
    point = bytes.fromhex("3d4017c3e843895a92b70aa74d1b7ebc9c982ccf2ec4968cc0cd55f12af4660c")
    kind: Values = {"KEY_TYPE": ck.CKK_EC_EDWARDS, "EC_PARAMS": ED25519}
    private = program.create(CLASS=ck.CKO_PRIVATE_KEY, VALUE=seed, **kind)
    signature = program.run("sign", mechanism(ck.CKM_EDDSA), private, b"\x72")
    assert signature == bytes.fromhex(
        "92a009a9f0d4cab8720e820b5f642540a2b27b5416503f8fb3762223ebdb69da"
        "085ac1e43e15996e458f3613d0f11d8c387b2eaeb4302aeeb00d291612bb0c00"
    )
    assert program.one(private, "EC_POINT") == der.encode(der.OCTET_STRING, point)
    ed25519.Ed25519PublicKey.from_public_bytes(point).verify(signature, b"\x72")


@pytest.mark.parametrize(
    "parameters",
    [
        ED25519,
        bytes.fromhex("130c656477617264733235353139"),  # PrintableString edwards25519
        bytes.fromhex("06092b06010401da470f01"),  # 1.3.6.1.4.1.11591.15.1
    ],
)
def test_names_of_ed25519(program: Program, parameters: bytes) -> None:
    public, private = program.library.generate_key_pair(
        program.session,
        mechanism(ck.CKM_EC_EDWARDS_KEY_PAIR_GEN),
        attributes(EC_PARAMS=parameters),
        [],
    )
    assert program.one(public, "EC_PARAMS") == program.one(private, "EC_PARAMS") == parameters
    program.verify(
        mechanism(ck.CKM_EDDSA),
        public,
        b"x",
        program.run("sign", mechanism(ck.CKM_EDDSA), private, b"x"),
    )


BAD_KEYS = [
    ({"CLASS": ck.CKO_SECRET_KEY, "KEY_TYPE": ck.CKK_AES, "VALUE": bytes(15)}, "VALUE"),
    ({"CLASS": ck.CKO_SECRET_KEY, "KEY_TYPE": ck.CKK_AES, "VALUE": b""}, "VALUE"),
    ({"CLASS": ck.CKO_SECRET_KEY, "KEY_TYPE": ck.CKK_GENERIC_SECRET, "VALUE": b""}, "VALUE"),
    (
        {
            "CLASS": ck.CKO_SECRET_KEY,
            "KEY_TYPE": ck.CKK_AES,
            "VALUE": bytes(16),
            "CHECK_VALUE": b"abc",
        },
        "VALUE",
    ),
    (
        {
            "CLASS": ck.CKO_PUBLIC_KEY,
            "KEY_TYPE": ck.CKK_EC,
            "EC_PARAMS": P256,
            "EC_POINT": bytes(65),
        },
        "VALUE",
    ),
    (
        {
            "CLASS": ck.CKO_PUBLIC_KEY,
            "KEY_TYPE": ck.CKK_EC,
            "EC_PARAMS": b"\x06\x01\x2a",
            "EC_POINT": b"\x04" + bytes(64),
        },
        "CURVE",
    ),
    (
        {
            "CLASS": ck.CKO_PRIVATE_KEY,
            "KEY_TYPE": ck.CKK_EC,
            "EC_PARAMS": ED25519,
            "VALUE": b"\x01" * 32,
        },
        "KIND",
    ),
    (
        {
            "CLASS": ck.CKO_PRIVATE_KEY,
            "KEY_TYPE": ck.CKK_EC,
            "EC_PARAMS": P256,
            "VALUE": b"\x01" * 33,
        },
        "VALUE",
    ),
]
REASONS = {
    "VALUE": ck.CKR_ATTRIBUTE_VALUE_INVALID,
    "CURVE": ck.CKR_CURVE_NOT_SUPPORTED,
    "KIND": ck.CKR_TEMPLATE_INCONSISTENT,
}


@pytest.mark.parametrize(("given", "reason"), BAD_KEYS)
def test_keys_that_are_none(program: Program, given: Values, reason: str) -> None:
    with refusing(REASONS[reason]):
        program.create(**given)
    assert program.find() == []


_OTHER_PROCESS = """
import sys
sys.path[:0] = sys.argv[1:2]
from ghostcard.module import pins
from tests.module.program import *
pins.SCRYPT_N = QUICK_SCRYPT_N
library = Cryptoki()
library.initialize()
program = Program(library)
program.login()
for line in sys.stdin:
    print(repr(eval(line)), flush=True)
library.finalize()
"""


class Other:
    """Another process with the same home; it evaluates what it is told."""

    def __init__(self) -> None:
        root = str(Path(__file__).parents[2])
        command = [sys.executable, "-c", _OTHER_PROCESS, root]
        self._process = subprocess.Popen(
            command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True, cwd=root
        )

    def ask(self, expression: str) -> object:
        assert self._process.stdin is not None
        assert self._process.stdout is not None
        self._process.stdin.write(expression + "\n")
        self._process.stdin.flush()
        return eval(self._process.stdout.readline())

    def close(self) -> None:
        self._process.communicate()
        assert self._process.returncode == 0


def test_two_processes_see_each_other_at_once(program: Program) -> None:
    """Objects, also private ones; changes; and what is destroyed can no longer be used."""
    other = Other()
    assert other.ask("program.find()") == []
    public, private = program.ec(TOKEN=True, LABEL="key")
    assert other.ask("len(program.find(LABEL='key'))") == 1
    theirs = other.ask("program.find(LABEL='key')[0]")
    how = f"mechanism({ck.CKM_ECDSA})"
    assert other.ask(f"len(program.run('sign', {how}, {theirs}, bytes(32)))") == 64
    program.set(private, LABEL="renamed")
    assert other.ask(f"program.one({theirs}, 'LABEL')") == b"renamed"
    assert isinstance(other.ask("program.data('from there', TOKEN=True)"), int)
    (from_there,) = program.find(LABEL="from there")
    assert other.ask(f"program.library.destroy_object(program.session, {theirs})") is None
    with refusing(ck.CKR_KEY_HANDLE_INVALID):
        program.init("sign", ECDSA, private)
    assert program.find() == [public, from_there]
    other.close()


def test_token_objects_outlive_the_library(program: Program) -> None:
    library = program.library
    _, private = program.ec(TOKEN=True, LABEL="kept")
    program.data("lost")
    library.finalize()
    library.initialize()
    again = Program(library)
    assert again.find() == []
    again.login()
    (found,) = again.find(CLASS=ck.CKO_PRIVATE_KEY)
    assert found != private
    assert len(again.run("sign", ECDSA, found, bytes(32))) == 64


def test_a_public_key_may_carry_its_own_info(program: Program) -> None:
    key = ec.generate_private_key(ec.SECP256R1()).public_key()
    info = key.public_bytes(
        serialization.Encoding.DER, serialization.PublicFormat.SubjectPublicKeyInfo
    )
    kind: Values = {"CLASS": ck.CKO_PUBLIC_KEY, "KEY_TYPE": ck.CKK_EC, "EC_PARAMS": P256}
    point = der.encode(der.OCTET_STRING, info[-65:])
    made = program.create(**kind, EC_POINT=point, PUBLIC_KEY_INFO=info)
    assert program.one(made, "PUBLIC_KEY_INFO") == info
    with refusing(ck.CKR_TEMPLATE_INCONSISTENT):
        program.create(**kind, EC_POINT=point, PUBLIC_KEY_INFO=info[:-1] + b"\0")


def test_library_is_needed(library: Cryptoki) -> None:
    library.finalize()
    with refusing(ck.CKR_CRYPTOKI_NOT_INITIALIZED):
        library.create_object(1, [])
