"""Parameters of messages, from C memory to the plain layer and back."""

import pytest

from ghostcard import pkcs11 as ck
from tests.module.tree import Tree, compile_host, passes, run

IV = b"i" * 12
PARAMETERS: dict[str, tuple[object, ...]] = {
    "gcm": (48, 0, IV, 32, ck.CKG_GENERATE_COUNTER, 128, b"", b"text", b"text"),
    "ccm": (56, 4, IV, 0, ck.CKG_NO_GENERATE, 64, b"", b"text", b"text"),
    "chacha": (24, 0, IV, 0, ck.CKG_NO_GENERATE, 128, b"", b"text", b"text"),
    "wrap-gcm": (ck.CKM_AES_GCM, 48, 0, IV, 0, 0, 128, b"", 1, 2, b"text"),
    "wrap-gcm-generate": (
        *(ck.CKM_AES_GCM, 48, 0, IV, 32, ck.CKG_GENERATE, 128, b"", 1, 2, b"text"),
    ),
    "wrap-ccm": (ck.CKM_AES_CCM, 56, 9, IV, 0, 0, 64, b"", 1, 2, b"text"),
    "wrap-ccm-generate": (
        *(ck.CKM_AES_CCM, 56, 9, IV, 32, ck.CKG_GENERATE_RANDOM, 64, b"", 1, 2, b"text"),
    ),
    "wrap-chacha": (ck.CKM_CHACHA20_POLY1305, 24, 0, IV, 0, 0, 128, b"", 1, 2, b"text"),
}
"""Structure, data bytes, IV, fixed bits, generator, bits and bytes of the tag, and the rest."""


@pytest.fixture(scope="module")
def printed(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[str]]:
    """Title -> what the host printed after it, each time. Answers the host checks itself."""
    host = compile_host("messages", tmp_path_factory.mktemp("hosts"))
    tree = Tree(tmp_path_factory.mktemp("site"))
    lines: dict[str, list[str]] = {}
    for line in passes(run(host, tree.library)).splitlines():
        title, text = line.split(" ", 1)
        lines.setdefault(title, []).append(text)
    return lines


@pytest.mark.parametrize("title", PARAMETERS)
def test_a_parameter_is_read(printed: dict[str, list[str]], title: str) -> None:
    assert printed[title] == [repr(PARAMETERS[title])]


def test_a_tag_is_read_only_to_decrypt(printed: dict[str, list[str]]) -> None:
    assert printed["decrypt"] == ["T" * 16, "T" * 8, "T" * 16]


def test_additional_data_may_come_with_the_parameter(printed: dict[str, list[str]]) -> None:
    with_text, without = repr((b"text", b"text")), repr((b"text", b""))
    assert printed["unwrap"] == [with_text, without, with_text, without, with_text]
