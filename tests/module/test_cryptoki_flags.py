"""What C_GetMechanismInfo promises: each function of its flags works, from the first mechanism to
the last, and every other function refuses the mechanism.
"""

from collections.abc import Callable

import pytest

from ghostcard import pkcs11 as ck
from ghostcard.module.cryptoki import Cryptoki
from ghostcard.module.errors import CryptokiError
from tests.module.fitting import NAMES, OPEN, TOKEN, Fitting, domain_template
from tests.module.program import Program, Values, attributes, refusing

pytestmark = pytest.mark.every_kind

EVERY = 0xFFFFFFFF
DATA = bytes(range(32))
SHORT = {ck.CKM_RSA_PKCS_OAEP: 20}
"""Mechanisms that take fewer bytes than there are."""

AS_LONG_AS = {
    ck.CKM_RSA_X_509: 128, ck.CKM_RSA_PKCS_PSS: 20, ck.CKM_DSA: 20, ck.CKM_ECDSA: 32,
    ck.CKM_HASH_ML_DSA: 32, ck.CKM_HOTP: 0,
}  # fmt: skip
"""Mechanisms that take data of one size, as a hash has it."""

AUTHENTICATED = (
    *(ck.CKM_AES_GCM, ck.CKM_AES_CCM, ck.CKM_CHACHA20_POLY1305, ck.CKM_RSA_PKCS_OAEP),
    *(ck.CKM_AES_KEY_WRAP, ck.CKM_AES_KEY_WRAP_PAD),
    *(ck.CKM_AES_KEY_WRAP_KWP, ck.CKM_AES_KEY_WRAP_PKCS7),
)
"""Ciphers that notice a change of the ciphertext."""

MANY = (ck.CKM_TLS12_KEY_AND_MAC_DERIVE, ck.CKM_TLS12_KEY_SAFE_DERIVE)
"""Derivations of several keys at once."""

LENGTHS = {
    ck.CKM_SHAKE_128_KEY_DERIVATION: 16, ck.CKM_SHAKE_256_KEY_DERIVATION: 16,
    ck.CKM_EXTRACT_KEY_FROM_KEY: 4, ck.CKM_HKDF_DERIVE: 16, ck.CKM_HKDF_DATA: 16,
    ck.CKM_SP800_108_COUNTER_KDF: 16, ck.CKM_SP800_108_FEEDBACK_KDF: 16,
    ck.CKM_SP800_108_DOUBLE_PIPELINE_KDF: 16, ck.CKM_TLS12_KDF: 16, ck.CKM_TLS_KDF: 16,
}  # fmt: skip
"""Derivations that must be told how much."""


@pytest.fixture
def fitting(program: Program) -> Fitting:
    return Fitting(program)


def key_types(number: int) -> tuple[int, ...]:
    """The key types of a mechanism; of those that derive keys from secrets of any type one."""
    found = TOKEN.describe(number).key_types
    return (ck.CKK_GENERIC_SECRET,) if ck.CKK_GENERIC_SECRET in found else found


def data_for(number: int) -> bytes:
    size = AS_LONG_AS.get(number, 32)
    return b"\0" + bytes(range(1, size)) if size else b""


def encrypts(f: Fitting, number: int, key_type: int) -> None:
    public, private = f.keys(key_type)
    data, how = data_for(number), f.how(number)
    sealed = f.program.run("encrypt", how, public, data)
    assert f.program.run("decrypt", how, private, sealed) == data
    assert sealed != data
    if number in AUTHENTICATED:
        with refusing(ck.CKR_ENCRYPTED_DATA_INVALID):
            f.program.run("decrypt", how, private, sealed[:-1] + bytes((sealed[-1] ^ 1,)))


def signs(f: Fitting, number: int, key_type: int) -> None:
    public, private = f.keys(key_type)
    data, how = data_for(number), f.how(number)
    signature = f.program.run("sign", how, private, data)
    assert signature != data
    if number == ck.CKM_HOTP:  # to be verified in a structure: test_embedding_passwords.py
        return
    f.program.verify(how, public, data, signature)
    wrong = bytes((signature[0] ^ 1,)) + signature[1:]
    with refusing(ck.CKR_SIGNATURE_INVALID):
        f.program.verify(how, public, data, wrong)
    with refusing(ck.CKR_SIGNATURE_LEN_RANGE):
        f.program.verify(how, public, data, signature + b"\0")


def recovers(f: Fitting, number: int, key_type: int) -> None:
    public, private = f.keys(key_type)
    how, data = f.how(number), data_for(number)
    signature = f.program.run("sign_recover", how, private, data)
    assert f.program.run("verify_recover", how, public, signature) == data


def digests(f: Fitting, number: int, key_type: int) -> None:
    digest = f.program.run("digest", f.how(number), None, DATA)
    assert digest not in (DATA, f.program.run("digest", f.how(number), None, b""))


def wraps(f: Fitting, number: int, key_type: int) -> None:
    public, private = f.keys(key_type)
    library, session = f.program.library, f.program.session
    size = SHORT.get(number, 32)
    inner = f.program.secret(DATA[:size], **OPEN)
    how = f.how(number, key_type, size)
    wrapped = library.wrap_key(session, how, public, inner, None)
    assert isinstance(wrapped, int)
    wrapped = library.wrap_key(session, how, public, inner, wrapped)
    assert isinstance(wrapped, bytes)
    kind: Values = {"CLASS": ck.CKO_SECRET_KEY, "KEY_TYPE": ck.CKK_GENERIC_SECRET, **OPEN}
    if number == ck.CKM_RSA_X_509:
        kind["VALUE_LEN"] = size  # zeros stand in front of it
    again = library.unwrap_key(session, how, private, wrapped, attributes(**kind))
    assert f.program.one(again, "VALUE") == DATA[:size]


def derives(f: Fitting, number: int, key_type: int) -> None:
    _, private = f.keys(key_type)
    library, session, how = f.program.library, f.program.session, f.how(number, key_type)
    if number == ck.CKM_PUB_KEY_FROM_PRIV_KEY:
        made = library.derive_key(session, how, private, attributes(CLASS=ck.CKO_PUBLIC_KEY))
        info = f.program.one(f.keys(key_type)[0], "PUBLIC_KEY_INFO")
        assert f.program.one(made, "PUBLIC_KEY_INFO") == info
        return
    length: Values = {"VALUE_LEN": LENGTHS[number]} if number in LENGTHS else {}
    if number in MANY:
        aes = attributes(KEY_TYPE=ck.CKK_AES, **OPEN)
        handles, _ = library.derive_keys(session, how, private, [aes])
        values = {f.program.one(handle, "VALUE") for handle in handles[-2:]}
        assert len(values) == 2
        return
    if number != ck.CKM_HKDF_DATA:
        length |= {"KEY_TYPE": ck.CKK_GENERIC_SECRET, **OPEN}
    twice = [library.derive_key(session, how, private, attributes(**length)) for _ in range(2)]
    first, second = (f.program.one(handle, "VALUE") for handle in twice)
    assert first == second != bytes(len(first))


def generates(f: Fitting, number: int, key_type: int) -> None:
    kinds: tuple[Values, ...] = ({"VALUE_LEN": 32, **OPEN}, OPEN, domain_template(number))
    made = None
    for kind in kinds:
        try:
            made = f.program.library.generate_key(
                f.program.session, f.how(number), attributes(**kind)
            )
        except CryptokiError:
            continue
        break
    assert made is not None
    types = (f.program.one(made, "KEY_TYPE"), key_type.to_bytes(8, "little"))
    assert types[0] == types[1] or number == ck.CKM_PKCS5_PBKD2


def generates_pairs(f: Fitting, number: int, key_type: int) -> None:
    _, public = f.pair_template(key_type)
    pair = f.program.library.generate_key_pair(
        f.program.session, f.how(number), attributes(**public), []
    )
    infos = {f.program.one(handle, "PUBLIC_KEY_INFO") for handle in pair}
    assert len(infos) == 1
    assert infos.pop()


def encapsulates(f: Fitting, number: int, key_type: int) -> None:
    public, private = f.keys(key_type)
    library, session = f.program.library, f.program.session
    template = attributes(**OPEN)
    made = library.encapsulate_key(session, f.how(number), public, template, 1 << 13)
    assert not isinstance(made, int)
    again = library.decapsulate_key(session, f.how(number), private, template, made[1])
    assert f.program.one(again, "VALUE") == f.program.one(made[0], "VALUE")


Proof = Callable[[Fitting, int, int], None]
PROOFS: dict[tuple[int, ...], Proof] = {
    (ck.CKF_ENCRYPT, ck.CKF_DECRYPT): encrypts,
    (ck.CKF_SIGN, ck.CKF_VERIFY): signs,
    (ck.CKF_SIGN_RECOVER, ck.CKF_VERIFY_RECOVER): recovers,
    (ck.CKF_DIGEST,): digests,
    (ck.CKF_WRAP, ck.CKF_UNWRAP): wraps,
    (ck.CKF_DERIVE,): derives,
    (ck.CKF_GENERATE,): generates,
    (ck.CKF_GENERATE_KEY_PAIR,): generates_pairs,
    (ck.CKF_ENCAPSULATE, ck.CKF_DECAPSULATE): encapsulates,
}
"""Flags that come together -> what shows that they are true."""


def message(function: str) -> Callable[[Program, bytes, int, int], object]:
    """C_Message*Init, whose parameters come with each message if it is a cipher."""

    def call(p: Program, how: bytes, public: int, private: int) -> None:
        key = private if function in ("sign", "decrypt") else public
        bare = how[:4] if function in ("encrypt", "decrypt") else how
        getattr(p.library, f"message_{function}_init")(p.session, bare, key)

    return call


def init(function: str) -> Callable[[Program, bytes, int, int], object]:
    return lambda p, how, public, private: p.init(
        function, how, private if function in ("sign", "decrypt", "sign_recover") else public
    )


SECRET_KEY = attributes(CLASS=ck.CKO_SECRET_KEY, KEY_TYPE=ck.CKK_GENERIC_SECRET)
CALLS: dict[int, Callable[[Program, bytes, int, int], object]] = {
    **{
        getattr(ck, f"CKF_{name.upper()}"): init(name)
        for name in ("encrypt", "decrypt", "sign", "verify", "sign_recover", "verify_recover")
    },
    **{
        getattr(ck, f"CKF_MESSAGE_{name.upper()}"): message(name)
        for name in ("encrypt", "decrypt", "sign", "verify")
    },
    ck.CKF_DIGEST: lambda p, how, *_: p.init("digest", how, None),
    ck.CKF_GENERATE: lambda p, how, *_: p.library.generate_key(p.session, how, []),
    ck.CKF_GENERATE_KEY_PAIR: lambda p, how, *_: p.library.generate_key_pair(
        p.session, how, [], []
    ),
    ck.CKF_WRAP: lambda p, how, key, other: p.library.wrap_key(p.session, how, key, other, 1 << 13),
    ck.CKF_UNWRAP: lambda p, how, _, key: p.library.unwrap_key(
        p.session, how, key, bytes(256), SECRET_KEY
    ),
    ck.CKF_DERIVE: lambda p, how, _, key: p.library.derive_key(p.session, how, key, SECRET_KEY),
    ck.CKF_ENCAPSULATE: lambda p, how, key, _: p.library.encapsulate_key(
        p.session, how, key, SECRET_KEY, 1 << 13
    ),
    ck.CKF_DECAPSULATE: lambda p, how, _, key: p.library.decapsulate_key(
        p.session, how, key, SECRET_KEY, bytes(1088)
    ),
}
"""A flag -> its function, called so that it does its work if the mechanism is fit for it."""


def test_every_flag_is_true(fitting: Fitting, library: Cryptoki) -> None:
    """Each mechanism with each type of key, there and back."""
    tried = 0
    for number in library.get_mechanism_list(0):
        flags = library.get_mechanism_info(0, number).flags
        for together, proof in PROOFS.items():
            held = [flag for flag in together if flags & flag]
            assert held in ([], list(together)), NAMES[number]
            for key_type in key_types(number) or (-1,):
                if held:
                    try:
                        proof(fitting, number, key_type)
                    except (AssertionError, CryptokiError) as error:
                        raise AssertionError(f"{NAMES[number]} {proof.__name__}") from error
                    tried += 1
    assert tried > 280


def test_what_no_flag_says_is_refused(fitting: Fitting, library: Cryptoki) -> None:
    program = fitting.program
    for number in library.get_mechanism_list(0):
        flags = library.get_mechanism_info(0, number).flags
        key_type = (key_types(number) or (ck.CKK_AES,))[0]
        how, keys = fitting.how(number, key_type), fitting.keys(key_type)
        for flag in CALLS:
            refused = not_for_that(program, flag, how, *keys)
            assert refused != bool(flags & flag), (NAMES[number], hex(flag))


def not_for_that(program: Program, flag: int, how: bytes, public: int, private: int) -> bool:
    """Whether the function of the flag refuses the mechanism."""
    try:
        CALLS[flag](program, how, public, private)
    except CryptokiError as error:
        return error.rv == ck.CKR_MECHANISM_INVALID
    finally:
        program.library.session_cancel(program.session, EVERY)
    return False
