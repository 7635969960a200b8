"""What crosses from C to the plain layer and back: mechanisms, templates, lengths, structures."""

from pathlib import Path

import pytest

from ghostcard import pkcs11 as ck
from ghostcard.module import flat
from tests.module.tree import LIBRARY, Tree, compile_host, passes, run


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Tree:
    return Tree(tmp_path_factory.mktemp("site"))


@pytest.fixture(scope="module")
def printed(tree: Tree, tmp_path_factory: pytest.TempPathFactory) -> dict[str, str]:
    """Title -> what the host printed after it. What is a number the host checks itself."""
    host = compile_host("calls", tmp_path_factory.mktemp("hosts"))
    lines = passes(run(host, tree.library)).splitlines()
    return dict(line.split(" ", 1) for line in lines)


IV = "0102030405060708090a0b0c0d0e0f10"
CONTEXT = b"context".hex()
MECHANISMS = {
    "none": "00001041",
    "cbc": "00001082" + IV,
    "cbc-pad": "00001085" + IV,
    "ctr": "00001086" + "00000020" + IV,
    "gcm": "00001087" + "00000080" + "0000000c" + IV[:24] + CONTEXT,
    "gcm-old": "00001087" + "00000060" + "0000000c" + IV[:24] + b"con".hex(),
    "gcm-large": "00001087" + "00000080" + "0000000c" + IV[:24] + CONTEXT + "00" * 293,
    "pss": "0000000d" + "00000250" + "00000002" + "00000020",
    "pss-unaligned": "00000043" + "00000250" + "00000002" + "00000020",
    "oaep": "00000009" + "00000220" + "00000001" + "00000001" + CONTEXT,
    "ecdh": "00001050" + "00000001" + "00000002" + b"co".hex() + IV[:6],
    "x942": "00000031" + "00000001" + "00000002" + b"co".hex() + IV[:6],
    "dh": "00000021" + IV,
    "rsa-aes": "00001054" + "00000100" + "00000220" + "00000001" + "00000001" + CONTEXT,
    "ecdh-aes": "00001053" + "00000080" + "00000006" + b"con".hex(),
    "ecdh-x-aes": "00004038" + "00000080" + "00000006" + b"con".hex(),
    "hmac-general": "00000252" + "00000014",
    "eddsa": "00001057",
    "eddsa-plain": "00001057" + "00000000",
    "eddsa-context": "00001057" + "00000001" + CONTEXT,
    "ml-dsa": "0000001d",
    "ml-dsa-context": "0000001d" + "00000001" + CONTEXT,
    "hash-ml-dsa": "0000001f" + "00000000" + "00000250" + CONTEXT,
    "slh-dsa-context": "0000003f" + "00000001" + CONTEXT,
    "raw": "00001091" + IV[:16],
    "cts": "00001089" + IV,
    "xts": "00001071" + IV,
    "des3-cbc": "00000133" + IV[:16],
    "gmac": "0000108e" + "00000080" + "0000000c" + IV[:24] + CONTEXT,
    "ccm": "00001088" + "000003e8" + "0000000a" + "0000000d" + IV[:26] + CONTEXT,
    "chacha20": "00001226" + "00000004" + b"cont".hex() + IV[:24],
    "chacha20-poly1305": "00004021" + "0000000c" + IV[:24] + CONTEXT,
    "cmac-general": "0000108b" + "00000014",
    "vendor": "80000001",
    "null": "cancel",
}
"""`docs/design.md`, section 4: id u32, then the parameters, big-endian; numbers of PKCS #11 3.2."""


@pytest.mark.parametrize("title", MECHANISMS)
def test_a_mechanism_is_flattened(printed: dict[str, str], title: str) -> None:
    assert printed[title] == MECHANISMS[title]


def test_templates_are_types_and_values(printed: dict[str, str]) -> None:
    wanted = [(1, b"\x01"), (3, b"context"), (0x102, b""), (0x8001000C, b"\x01")]
    assert printed["create"] == repr(wanted)
    assert printed["empty"] == "[]"
    assert printed["nested"] == repr([(ck.CKA_WRAP_TEMPLATE, flat.pack(wanted))])


def test_the_flags_of_what_is_cancelled_cross(printed: dict[str, str]) -> None:
    assert printed["cancelled"] == "0x840"


REFUSED = {
    "C_Encrypt": ck.CKF_ENCRYPT,
    "C_DecryptUpdate": ck.CKF_DECRYPT,
    "C_DigestFinal": ck.CKF_DIGEST,
    "C_SignUpdate": ck.CKF_SIGN,
    "C_Verify": ck.CKF_VERIFY,
    "C_DecryptVerifyUpdate": ck.CKF_DECRYPT | ck.CKF_VERIFY,
}


@pytest.mark.parametrize("function", REFUSED)
def test_arguments_that_are_no_good_end_the_operation(
    printed: dict[str, str], function: str
) -> None:
    assert printed[function] == hex(REFUSED[function])


def test_structures_are_filled_in(printed: dict[str, str]) -> None:
    """Blank padded; text is cut at a whole character: 6 bytes and 13 of the 2-byte ones are 32."""
    assert printed["info"] == "3.2 [Maker " + "\u00e9" * 13 + f"] [{'Description':32}] 1.2"
    assert printed["slot"] == f"[{'Slot 11':64}] [{'Maker':32}] 5 6.7 8.9"
    numbers = "101 102 103 104 105 106 107 108 109 110"
    texts = f"[{'label':32}] [{'Maker':32}] [{'Model':16}] [0000000000000042]"
    assert printed["token"] == f"{texts} 40d {numbers} 1.2 3.4 [2026010112000000]"
    assert printed["session"] == "1 2 4 5"
    assert printed["mechanism"] == "11 1041 800"


def test_the_arguments_of_c_initialize(tree: Tree, tmp_path: Path) -> None:
    assert passes(run(compile_host("arguments", tmp_path), tree.library)) == ""


def test_long_data_may_lie_anywhere_and_its_result_too(tmp_path: Path) -> None:
    """No stand-in: apart they are worked on where they are, else by way of a copy."""
    environment = {"GHOSTCARD_HOME": str(tmp_path / "state")}
    assert passes(run(compile_host("long", tmp_path), LIBRARY, environment=environment)) == ""
