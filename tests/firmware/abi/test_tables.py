"""Verbs, operations and return values: the tables say what the sheet says."""

from ghostcard.firmware.abi import operations, status, verbs
from ghostcard.firmware.abi.operations import category, weight_factor

# AP sheet 7.1, in the order of the function ids.
NAMES = (
    "LOGIN LOGOUT SEED_RANDOM GENERATE_RANDOM DIGEST_INIT DIGEST_UPDATE DIGEST_KEY DIGEST_FINAL "
    "DIGEST DIGEST_SINGLE ENCRYPT_INIT DECRYPT_INIT ENCRYPT_UPDATE DECRYPT_UPDATE ENCRYPT_FINAL "
    "DECRYPT_FINAL ENCRYPT DECRYPT ENCRYPT_SINGLE DECRYPT_SINGLE GENERATE_KEY GENERATE_KEY_PAIR "
    "SIGN_INIT SIGN_UPDATE SIGN_FINAL SIGN VERIFY_INIT VERIFY_UPDATE VERIFY_FINAL VERIFY "
    "SIGN_SINGLE VERIFY_SINGLE WRAP_KEY UNWRAP_KEY DERIVE_KEY GET_MECHANISM_LIST "
    "GET_MECHANISM_INFO GET_XCP_INFO GET_ATTRIBUTE_VALUE SET_ATTRIBUTE_VALUE ADMIN "
    "REENCRYPT_SINGLE LOGIN_EXTENDED LOGOUT_EXTENDED"
    " ENCAPSULATE DECAPSULATE DERIVE_KEYS"  # ours
)


def test_function_ids() -> None:
    names = NAMES.split()
    assert [getattr(verbs, name) for name in names] == list(range(1, 48))
    assert len(names) == verbs.HIGHEST


def test_every_verb_is_filed_under_its_function() -> None:
    assert all(verb.function == function for function, verb in verbs.VERBS.items())
    undefined = {verbs.LOGIN, verbs.LOGOUT, verbs.DIGEST_KEY, 43, 44}
    assert set(verbs.VERBS) == set(range(1, 48)) - undefined


def test_parameters_the_sheet_shows() -> None:
    orders = {
        verbs.GET_XCP_INFO: "query subquery",
        verbs.GENERATE_KEY: "variant keybytes mechanism attributes pin",
        verbs.ENCRYPT_SINGLE: "variant mechanism key data",
        verbs.UNWRAP_KEY: "attributes mechanism kek mac_key pin wrapped",
        verbs.WRAP_KEY: "variant mechanism key kek mac_key",
    }
    for function, order in orders.items():
        assert " ".join(verbs.VERBS[function].request) == order


def test_names() -> None:
    assert verbs.name(31) == "SignSingle"
    assert verbs.name(38) == "get_xcp_info"
    assert verbs.name(43) == "function 43"


def test_weight_factors() -> None:
    """AP sheet 4.2: LOW 1 2 36-40, HIGH 17-22 26 30-35, the others MEDIUM."""
    low = {function for function in range(45) if weight_factor(function) == 10}
    high = {function for function in range(45) if weight_factor(function) == 500}
    assert low == {1, 2, 36, 37, 38, 39, 40}
    assert high == {17, 18, 19, 20, 21, 22, 26, 30, 31, 32, 33, 34, 35}
    assert all(weight_factor(f) == 100 for f in set(range(45)) - low - high)


def test_operation_names() -> None:
    """docs/design.md, section 2."""
    names = set(operations.EP11_OPERATIONS)
    assert len(names) == len(operations.EP11_OPERATIONS)
    for name in (
        "rsa3072-decrypt",
        "ecdsa-p521-verify",
        "ecdh-p384",
        "ec-p256-keygen",
        "hmac-sha1",
    ):
        assert name in names
    assert operations.ACCELERATOR_OPERATIONS == (
        "rsa1024-me",
        "rsa2048-me",
        "rsa1024-crt",
        "rsa2048-crt",
        "rsa4096-me",
        "rsa4096-crt",
        "error",
    )


def test_categories() -> None:
    """AP sheet 7.1, operation categories."""
    numbers = {
        0: ("query", "error"),
        1: ("rsa4096-sign", "rsa2048-decrypt", "ecdsa-p256-sign", "ecdh-p256", "ed25519-sign"),
        2: ("rsa2048-verify", "rsa2048-encrypt", "ecdsa-p521-verify", "ed25519-verify"),
        3: ("sha256",),
        4: ("aes-256-gcm", "derive", "aes-keygen", "wrap", "random", "hmac-sha512"),
        5: ("rsa2048-keygen", "ec-p384-keygen", "ed25519-keygen"),
    }
    for number, names in numbers.items():
        assert [category("ep11", name) for name in names] == [number] * len(names)


def test_return_values() -> None:
    """AP sheet 7.3."""
    codes = bytes.fromhex("01020304050608090a0b0c0d10111213 30313233")
    expected = {0x80010000 + code for code in codes} | {0x80010101}
    named = {value for name, value in vars(status).items() if name.startswith("CKR_IBM_")}
    assert named == set(status.SENTENCES) == expected
