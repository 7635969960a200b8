"""RSA through Cryptoki: sizes, every padding with every hash, raw for keys that ask for it."""

import hashlib
from functools import cache
from typing import Any

import pytest
from Cryptodome.Cipher import PKCS1_OAEP
from Cryptodome.PublicKey import RSA
from Cryptodome.Signature import pss
from cryptography.hazmat.primitives import hashes
from cryptography.hazmat.primitives.asymmetric import padding
from cryptography.hazmat.primitives.asymmetric.rsa import RSAPublicKey
from cryptography.hazmat.primitives.serialization import load_der_public_key

from ghostcard import pkcs11 as ck
from ghostcard.driver.imported_pair import primes
from ghostcard.module.encoding import big, ulong
from tests.module.program import Program, Value, attributes, mechanism, refusing

pytestmark = pytest.mark.every_kind

NAMES = (
    *("SHA1", "SHA224", "SHA256", "SHA384", "SHA512"),
    *("SHA3_224", "SHA3_256", "SHA3_384", "SHA3_512"),
)
DIGESTS = {name: getattr(ck, f"CKM_{name.replace('SHA1', 'SHA_1')}") for name in NAMES}
TRUNCATED = {"SHA512_224": ck.CKM_SHA512_224, "SHA512_256": ck.CKM_SHA512_256}
RAW = mechanism(ck.CKM_RSA_X_509)
PKCS = mechanism(ck.CKM_RSA_PKCS)


@cache
def numbers(bits: int) -> tuple[int, int, int, int]:
    """n, d, p and q of a key that is known to everybody; e is 65537."""
    p, q = SMALL[bits] if bits in SMALL else primes(bits)
    return p * q, pow(65537, -1, (p - 1) * (q - 1)), p, q


# The two largest primes below 2 ** 256.
SMALL = {512: ((1 << 256) - 189, (1 << 256) - 357)}


def imported(program: Program, bits: int, **values: Value) -> tuple[int, int]:
    """Public and private key of that size."""
    n, d, p, q = numbers(bits)
    kind: dict[str, Value] = {
        "KEY_TYPE": ck.CKK_RSA,
        "MODULUS": n.to_bytes(bits // 8, "big"),
        "PUBLIC_EXPONENT": b"\1\0\1",
    }
    parts: dict[str, Value] = {
        "PRIVATE_EXPONENT": d.to_bytes(bits // 8, "big"),
        "PRIME_1": p.to_bytes(bits // 16, "big"),
        "PRIME_2": q.to_bytes(bits // 16, "big"),
    }
    public = program.create(CLASS=ck.CKO_PUBLIC_KEY, **kind)
    private = program.create(CLASS=ck.CKO_PRIVATE_KEY, **{**kind, **parts, **values})
    return public, private


def public_of(program: Program, handle: int) -> Any:
    return load_der_public_key(program.one(handle, "PUBLIC_KEY_INFO"))


@pytest.fixture
def pair(program: Program) -> tuple[int, int]:
    return program.rsa()


@pytest.mark.parametrize("name", NAMES)
def test_pkcs1_signatures(program: Program, pair: tuple[int, int], name: str) -> None:
    public, private = pair
    how = mechanism(getattr(ck, f"CKM_{name}_RSA_PKCS"))
    made = program.run("sign", how, private, b"some data")
    assert program.run_in_parts("sign", how, private, b"some data", 4) == made
    algorithm = getattr(hashes, name)()
    public_of(program, public).verify(made, b"some data", padding.PKCS1v15(), algorithm)
    program.verify(how, public, b"some data", made)
    with refusing(ck.CKR_SIGNATURE_INVALID):
        program.verify(how, public, b"some date", made)


@pytest.mark.parametrize("name", NAMES)
def test_pss_signatures(program: Program, pair: tuple[int, int], name: str) -> None:
    public, private = pair
    mask = getattr(ck, f"CKG_MGF1_{name}")
    how = mechanism(getattr(ck, f"CKM_{name}_RSA_PKCS_PSS"), DIGESTS[name], mask, 20)
    made = program.run_in_parts("sign", how, private, b"some data", 4)
    algorithm = getattr(hashes, name)()
    wanted = padding.PSS(padding.MGF1(algorithm), 20)
    public_of(program, public).verify(made, b"some data", wanted, algorithm)
    bare = mechanism(ck.CKM_RSA_PKCS_PSS, DIGESTS[name], mask, 20)
    digest = hashlib.new(name.lower(), b"some data").digest()
    program.verify(bare, public, digest, made)
    program.verify(how, public, b"some data", program.run("sign", bare, private, digest))
    with refusing(ck.CKR_SIGNATURE_INVALID):
        program.verify(how, public, b"some date", made)


@pytest.mark.parametrize("name", TRUNCATED)
def test_pss_of_truncated_hashes(program: Program, pair: tuple[int, int], name: str) -> None:
    """No mechanism hashes with them; what has been hashed is taken."""
    public, private = pair
    how = mechanism(ck.CKM_RSA_PKCS_PSS, TRUNCATED[name], ck.CKG_MGF1_SHA256, 11)
    digest = hashlib.new(name.lower(), b"data").digest()
    made = program.run("sign", how, private, digest)
    wanted = padding.PSS(padding.MGF1(hashes.SHA256()), 11)
    public_of(program, public).verify(made, b"data", wanted, getattr(hashes, name)())
    program.verify(how, public, digest, made)


def test_pss_with_sha3_by_another_implementation(program: Program) -> None:
    from Cryptodome.Hash import SHA3_256

    public, private = program.rsa()
    parameters = (ck.CKM_SHA3_256, ck.CKG_MGF1_SHA3_256, 32)
    how = mechanism(ck.CKM_SHA3_256_RSA_PKCS_PSS, *parameters)
    made = program.run("sign", how, private, b"data")
    key = RSA.import_key(program.one(public, "PUBLIC_KEY_INFO"))
    pss.new(key).verify(SHA3_256.new(b"data"), made)  # type: ignore[arg-type]  # its own hash


def masked(seed: bytes, size: int, name: str) -> bytes:
    """MGF1 (RFC 8017, B.2.1), by hashlib."""
    hashed = [
        hashlib.new(name, seed + counter.to_bytes(4, "big")).digest()
        for counter in range(size // 20 + 1)
    ]
    return b"".join(hashed)[:size]


def unpadded(encoded: bytes, name: str, mask: str, label: bytes) -> bytes:
    """EME-OAEP decoding (RFC 8017, 7.1.2), by hashlib."""
    size = hashlib.new(name).digest_size
    first, seed, block = encoded[0], encoded[1 : 1 + size], encoded[1 + size :]
    seed = bytes(a ^ b for a, b in zip(seed, masked(block, size, mask), strict=True))
    data = bytes(a ^ b for a, b in zip(block, masked(seed, len(block), mask), strict=True))
    assert first == 0
    assert data[:size] == hashlib.new(name, label).digest()
    filled, one, message = data[size:].partition(b"\1")
    assert (one, set(filled)) in ((b"\1", {0}), (b"\1", set()))
    return message


@pytest.mark.parametrize("mask", ["SHA1", "SHA256", "SHA3_512"])
@pytest.mark.parametrize("name", [*NAMES, *TRUNCATED])
def test_oaep(program: Program, name: str, mask: str) -> None:
    """What we encrypt decodes by hand, and what was encrypted decrypts."""
    public, private = program.rsa(SENSITIVE=False, EXTRACTABLE=True)
    n, d = (
        int.from_bytes(program.one(private, part), "big")
        for part in ("MODULUS", "PRIVATE_EXPONENT")
    )
    hashed = {**DIGESTS, **TRUNCATED}[name]
    how = mechanism(ck.CKM_RSA_PKCS_OAEP, hashed, getattr(ck, f"CKG_MGF1_{mask}"), 1, b"label")
    encrypted = program.run("encrypt", how, public, b"a message")
    raw = pow(int.from_bytes(encrypted, "big"), d, n).to_bytes(256, "big")
    assert unpadded(raw, name.lower(), mask.lower(), b"label") == b"a message"
    assert program.run("decrypt", how, private, encrypted) == b"a message"
    room = 256 - 2 * hashlib.new(name.lower()).digest_size - 2
    longest = program.run("encrypt", how, public, bytes(room))
    assert program.run("decrypt", how, private, longest) == bytes(room)
    with refusing(ck.CKR_DATA_LEN_RANGE):
        program.run("encrypt", how, public, bytes(room + 1))
    changed = encrypted[:-1] + bytes((encrypted[-1] ^ 1,))
    with refusing(ck.CKR_ENCRYPTED_DATA_INVALID):
        program.run("decrypt", how, private, changed)


def test_oaep_of_another_implementation(program: Program, pair: tuple[int, int]) -> None:
    from Cryptodome.Hash import SHA3_384

    public, private = pair
    key = RSA.import_key(program.one(public, "PUBLIC_KEY_INFO"))
    encrypted = PKCS1_OAEP.new(key, SHA3_384.new()).encrypt(b"a message")  # type: ignore[arg-type]
    how = mechanism(ck.CKM_RSA_PKCS_OAEP, ck.CKM_SHA3_384, ck.CKG_MGF1_SHA3_384, 1)
    assert program.run("decrypt", how, private, encrypted) == b"a message"


@pytest.mark.parametrize("bits", [512, 8192, 16384])
def test_sizes_at_the_ends(program: Program, bits: int) -> None:
    public, private = imported(program, bits)
    how = mechanism(ck.CKM_SHA1_RSA_PKCS)
    made = program.run("sign", how, private, b"data")
    assert len(made) == bits // 8
    public_of(program, public).verify(made, b"data", padding.PKCS1v15(), hashes.SHA1())
    program.verify(how, public, b"data", made)
    encrypted = program.run("encrypt", PKCS, public, b"a message")
    assert program.run("decrypt", PKCS, private, encrypted) == b"a message"


@pytest.mark.parametrize("bits", [512, 16384])
def test_keys_without_their_primes(program: Program, bits: int) -> None:
    """They are found at once, whatever the size; a wrong exponent has none."""
    n, d, _, _ = numbers(bits)
    kind: dict[str, Value] = {
        "CLASS": ck.CKO_PRIVATE_KEY,
        "KEY_TYPE": ck.CKK_RSA,
        "MODULUS": n.to_bytes(bits // 8, "big"),
        "PUBLIC_EXPONENT": b"\1\0\1",
    }
    private = program.create(**kind, PRIVATE_EXPONENT=d.to_bytes(bits // 8, "big"))
    made = program.run("sign", mechanism(ck.CKM_SHA1_RSA_PKCS), private, b"data")
    assert pow(int.from_bytes(made, "big"), 65537, n) < n >> 8
    with refusing(ck.CKR_ATTRIBUTE_VALUE_INVALID):
        program.create(**kind, PRIVATE_EXPONENT=(d - 2).to_bytes(bits // 8, "big"))


@pytest.mark.parametrize("bits", [512, 16384])
def test_keys_of_the_ends_are_wrapped(program: Program, bits: int) -> None:
    public, private = imported(program, bits, EXTRACTABLE=True, SENSITIVE=False)
    aes, wrap = program.aes(), mechanism(ck.CKM_AES_KEY_WRAP_KWP)
    wrapped = program.library.wrap_key(program.session, wrap, aes, private, 16384)
    assert isinstance(wrapped, bytes)
    wanted = attributes(CLASS=ck.CKO_PRIVATE_KEY, KEY_TYPE=ck.CKK_RSA)
    again = program.library.unwrap_key(program.session, wrap, aes, wrapped, wanted)
    assert program.one(again, "MODULUS") == program.one(public, "MODULUS")
    assert int.from_bytes(program.one(private, "PRIME_1"), "big") == numbers(bits)[2]


def test_a_key_too_short_for_the_hash(program: Program) -> None:
    public, private = imported(program, 512)
    for function, key in (("sign", private), ("verify", public)):
        how = mechanism(ck.CKM_SHA512_RSA_PKCS)
        with refusing(ck.CKR_KEY_SIZE_RANGE):
            program.init(function, how, key)
            if function == "sign":
                program.library.sign(program.session, b"data", 64)
            else:
                program.library.verify(program.session, b"data", bytes(64))
    pss_of = mechanism(
        ck.CKM_SHA256_RSA_PKCS_PSS, ck.CKM_SHA256, ck.CKG_MGF1_SHA256, 64 - 32 - 2 + 1
    )
    with refusing(ck.CKR_MECHANISM_PARAM_INVALID):
        program.init("sign", pss_of, private)


def test_another_hash_than_that_of_the_mechanism(program: Program, pair: tuple[int, int]) -> None:
    """PKCS #11 3.2, 6.1.11: told by C_SignInit, not when it comes to signing."""
    for number, hashed in (
        (ck.CKM_SHA256_RSA_PKCS_PSS, ck.CKM_SHA_1),
        (ck.CKM_SHA1_RSA_PKCS_PSS, ck.CKM_SHA256),
    ):
        how = mechanism(number, hashed, ck.CKG_MGF1_SHA1, 20)
        for function, key in zip(("sign", "verify"), pair[::-1], strict=True):
            with refusing(ck.CKR_MECHANISM_PARAM_INVALID):
                program.init(function, how, key)


@pytest.mark.parametrize("bits", [1024, 1030, 2047])
def test_generated_sizes(program: Program, bits: int) -> None:
    public, private = program.library.generate_key_pair(
        program.session,
        mechanism(ck.CKM_RSA_PKCS_KEY_PAIR_GEN),
        attributes(MODULUS_BITS=bits, PUBLIC_EXPONENT=b"\3"),
        [],
    )
    assert program.get(public, "MODULUS_BITS", "PUBLIC_EXPONENT") == [ulong(bits), b"\3"]
    parameters = (ck.CKM_SHA256, ck.CKG_MGF1_SHA256, 32)
    for how in (
        mechanism(ck.CKM_SHA256_RSA_PKCS),
        mechanism(ck.CKM_SHA256_RSA_PKCS_PSS, *parameters),
    ):
        made = program.run("sign", how, private, b"data")
        assert len(made) == (bits + 7) // 8
        program.verify(how, public, b"data", made)
    encrypted = program.run("encrypt", PKCS, public, b"a message")
    assert program.run("decrypt", PKCS, private, encrypted) == b"a message"


@pytest.mark.parametrize("exponent", [5, 17, 257, 65539, (1 << 64) - 1])
def test_any_odd_exponent_is_made(program: Program, exponent: int) -> None:
    """The largest is 3 * 5 * 17 * 257 * 641 * 65537 * 6700417, and has few primes that fit it."""
    public, private = program.library.generate_key_pair(
        program.session,
        mechanism(ck.CKM_RSA_PKCS_KEY_PAIR_GEN),
        attributes(MODULUS_BITS=1025, PUBLIC_EXPONENT=big(exponent)),
        [],
    )
    loaded = load_der_public_key(program.one(public, "PUBLIC_KEY_INFO"))
    assert isinstance(loaded, RSAPublicKey)
    numbers = loaded.public_numbers()
    assert (numbers.e, numbers.n.bit_length()) == (exponent, 1025)
    assert program.one(private, "PUBLIC_EXPONENT") == big(exponent)
    made = program.run("sign", mechanism(ck.CKM_SHA256_RSA_PKCS), private, b"data")
    loaded.verify(made, b"data", padding.PKCS1v15(), hashes.SHA256())
    encrypted = program.run("encrypt", PKCS, public, b"a message")
    assert program.run("decrypt", PKCS, private, encrypted) == b"a message"


def test_exponents_that_are_not_made(program: Program) -> None:
    for exponent in (b"", b"\0", b"\1", b"\2", b"\4", b"\1\0\0", b"\1" + bytes(7) + b"\1"):
        with refusing(ck.CKR_ATTRIBUTE_VALUE_INVALID):
            program.library.generate_key_pair(
                program.session,
                mechanism(ck.CKM_RSA_PKCS_KEY_PAIR_GEN),
                attributes(MODULUS_BITS=2048, PUBLIC_EXPONENT=exponent),
                [],
            )


class TestRaw:
    """CKM_RSA_X_509: only keys whose CKA_ALLOWED_MECHANISMS names it."""

    @pytest.fixture
    def open_pair(self, program: Program) -> tuple[int, int]:
        allowed = ulong(ck.CKM_RSA_X_509) + ulong(ck.CKM_RSA_PKCS)
        return program.library.generate_key_pair(
            program.session,
            mechanism(ck.CKM_RSA_PKCS_KEY_PAIR_GEN),
            attributes(MODULUS_BITS=2048, ALLOWED_MECHANISMS=allowed),
            attributes(ALLOWED_MECHANISMS=allowed),
        )

    def test_others_are_refused(self, program: Program, pair: tuple[int, int]) -> None:
        public, private = pair
        for function, key in (
            *(("sign", private), ("decrypt", private), ("sign_recover", private)),
            *(("verify", public), ("encrypt", public), ("verify_recover", public)),
        ):
            with refusing(ck.CKR_MECHANISM_INVALID):
                program.init(function, RAW, key)
        secret = program.secret(b"a secret", EXTRACTABLE=True)
        with refusing(ck.CKR_MECHANISM_INVALID):
            program.library.wrap_key(program.session, RAW, public, secret, 4096)

    def test_numbers(self, program: Program, open_pair: tuple[int, int]) -> None:
        public, private = open_pair
        n = int.from_bytes(program.one(public, "MODULUS"), "big")
        for data in (b"\1", b"data", bytes(255) + b"\7", (n - 1).to_bytes(256, "big")):
            made = program.run("sign", RAW, private, data)
            assert len(made) == 256
            assert pow(int.from_bytes(made, "big"), 65537, n) == int.from_bytes(data, "big")
            program.verify(RAW, public, data, made)
            encrypted = program.run("encrypt", RAW, public, data)
            assert program.run("decrypt", RAW, private, encrypted) == data.rjust(256, b"\0")
            assert program.run("sign_recover", RAW, private, data) == made
            assert program.run("verify_recover", RAW, public, made) == data.rjust(256, b"\0")
            with refusing(ck.CKR_SIGNATURE_INVALID):
                program.verify(RAW, public, b"other", made)
        for number in (n, n + 1, (1 << 2048) - 1):
            value = number.to_bytes(256, "big")
            with refusing(ck.CKR_DATA_INVALID, ck.CKR_DATA_LEN_RANGE):
                program.run("sign", RAW, private, value)
            with refusing(ck.CKR_ENCRYPTED_DATA_INVALID):
                program.run("decrypt", RAW, private, value)
            with refusing(ck.CKR_SIGNATURE_INVALID):
                program.verify(RAW, public, b"data", value)
        for size in (0, 257):
            with refusing(ck.CKR_DATA_LEN_RANGE):
                program.run("sign", RAW, private, bytes(size))
        with refusing(ck.CKR_ENCRYPTED_DATA_LEN_RANGE):
            program.run("decrypt", RAW, private, bytes(255))

    def test_what_was_padded_is_recovered(
        self, program: Program, open_pair: tuple[int, int]
    ) -> None:
        public, private = open_pair
        made = program.run("sign_recover", PKCS, private, b"data")
        assert program.run("verify_recover", PKCS, public, made) == b"data"
        padded = program.run("verify_recover", RAW, public, made)
        assert padded == b"\0\1" + b"\xff" * (256 - 7) + b"\0data"


@pytest.mark.parametrize(
    ("name", "mask"), [("SHA1", "SHA1"), ("SHA256", "SHA256"), ("SHA3_256", "SHA3_256")]
)
def test_keys_wrapped_by_rsa_and_aes(
    program: Program, pair: tuple[int, int], name: str, mask: str
) -> None:
    public, private = pair
    oaep = (DIGESTS[name], getattr(ck, f"CKG_MGF1_{mask}"), ck.CKZ_DATA_SPECIFIED)
    how = mechanism(ck.CKM_RSA_AES_KEY_WRAP, 256, *oaep, b"label")
    long = program.rsa(EXTRACTABLE=True)[1]
    library, session = program.library, program.session
    wrapped = library.wrap_key(session, how, public, long, 4096)
    assert isinstance(wrapped, bytes)
    wanted = attributes(CLASS=ck.CKO_PRIVATE_KEY, KEY_TYPE=ck.CKK_RSA)
    again = library.unwrap_key(session, how, private, wrapped, wanted)
    assert program.one(again, "MODULUS") == program.one(long, "MODULUS")
    inner = mechanism(ck.CKM_RSA_PKCS_OAEP, *oaep, b"label")
    key = program.run("decrypt", inner, private, wrapped[:256])
    assert len(key) == 32
    for place in (0, 100, 256, len(wrapped) - 1):
        changed = wrapped[:place] + bytes((wrapped[place] ^ 1,)) + wrapped[place + 1 :]
        with refusing(ck.CKR_WRAPPED_KEY_INVALID):
            library.unwrap_key(session, how, private, changed, wanted)
    for short in (b"", wrapped[:256], wrapped[:-1]):
        with refusing(ck.CKR_WRAPPED_KEY_LEN_RANGE):
            library.unwrap_key(session, how, private, short, wanted)
    other = mechanism(ck.CKM_RSA_AES_KEY_WRAP, 128, *oaep, b"label")
    with refusing(ck.CKR_WRAPPED_KEY_INVALID):
        library.unwrap_key(session, other, private, wrapped, wanted)
    for bad in (
        mechanism(ck.CKM_RSA_AES_KEY_WRAP, 64, *oaep),
        mechanism(ck.CKM_RSA_AES_KEY_WRAP, 256, ck.CKM_MD5, 1, 1),
        mechanism(ck.CKM_RSA_AES_KEY_WRAP, 256),
    ):
        with refusing(ck.CKR_MECHANISM_PARAM_INVALID):
            library.wrap_key(session, bad, public, long, 4096)


def test_the_public_key_of_a_private_key(program: Program, pair: tuple[int, int]) -> None:
    public, private = pair
    how = mechanism(ck.CKM_PUB_KEY_FROM_PRIV_KEY)
    told = program.library.derive_key(program.session, how, private, attributes(VERIFY=True))
    for name in ("MODULUS", "PUBLIC_EXPONENT", "MODULUS_BITS", "PUBLIC_KEY_INFO"):
        assert program.one(told, name) == program.one(public, name)
