"""Objects: created, found, read, changed, copied, destroyed; keys in clear on their way."""

import subprocess
import sys
import time
from pathlib import Path

import pytest

from ghostcard import pkcs11 as ck
from ghostcard.module.attributes import CKA_IBM_PROTKEY_EXTRACTABLE
from ghostcard.module.cryptoki import Cryptoki
from ghostcard.module.encoding import FALSE, TRUE, ulong
from tests.module.program import P256, Program, Values, attributes, mechanism, refusing

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


def test_a_search_finds_nothing_that_has_gone_since_it_began(program: Program) -> None:
    """Private objects go with the login (PKCS #11 3.2, 5.6.9)."""
    public = [program.data(label, TOKEN=True) for label in "abc"]
    program.data("hidden", PRIVATE=True)
    program.data("hidden on the token", PRIVATE=True, TOKEN=True)
    library, session = program.library, program.session
    library.find_objects_init(session, [])
    assert library.find_objects(session, 1) == public[:1]
    library.destroy_object(session, public[1])
    library.logout(session)
    assert library.find_objects(session, 10) == public[2:]
    library.find_objects_final(session)


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


def test_library_is_needed(library: Cryptoki) -> None:
    library.finalize()
    with refusing(ck.CKR_CRYPTOKI_NOT_INITIALIZED):
        library.create_object(1, [])
