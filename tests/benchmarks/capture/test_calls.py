"""Calls of another library as requests to cards."""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pytest
from hypothesis import given
from hypothesis import strategies as st

from ghostcard import pkcs11 as ck
from ghostcard.benchmarks.capture.calls import requests
from ghostcard.benchmarks.capture.file import CALL_ROW, NONE, QUERY, Capture
from ghostcard.benchmarks.capture.replay import replay
from ghostcard.driver.capture import CALLS
from ghostcard.driver.ep11 import RANDOM_CHUNK
from ghostcard.driver.shapes import shape

RSA: dict[str, Any] = {"key_type": ck.CKK_RSA, "key_bits": 2048}
AES: dict[str, Any] = {"key_type": ck.CKK_AES, "key_bits": 256}


def call(function: str, **fields: Any) -> dict[str, Any]:
    usual = {"mechanism": NONE, "key_type": NONE, "thread": 1, "session": 1, "inside_ns": 10}
    return {**usual, "function": ck.FUNCTIONS.index(function), **fields}


def made(*calls: dict[str, Any]) -> Capture:
    rows = np.zeros(len(calls), CALL_ROW)
    for number, fields in enumerate(calls):
        rows[number]["at_ns"] = 100 * number
        for name, value in fields.items():
            rows[name][number] = value
    return Capture(CALLS, "tool", rows)


def works(*calls: dict[str, Any]) -> list[tuple[str, int]]:
    found, _, left = requests(made(*calls), "cex8p", 1)
    assert left == []
    return asked(found)


def asked(found: Capture) -> list[tuple[str, int]]:
    rows = found.rows
    return [(found.names[n], size) for n, size in zip(rows["operation"], rows["payload_bytes"],
            strict=True)]  # fmt: skip


SIGN_INIT = call("C_SignInit", mechanism=ck.CKM_SHA256_RSA_PKCS, **RSA)
CBC_INIT = call("C_EncryptInit", mechanism=ck.CKM_AES_CBC_PAD, **AES)
DIGEST_INIT = call("C_DigestInit", mechanism=ck.CKM_SHA256)
GCM_INIT = call("C_EncryptInit", mechanism=ck.CKM_AES_GCM, **AES)
CASES: list[tuple[Sequence[dict[str, Any]], list[tuple[str, int]]]] = [
    ([SIGN_INIT, call("C_Sign", data_bytes=20)], [("rsa2048-sign", 20)]),
    ([SIGN_INIT, call("C_Sign", data_bytes=20, flags=QUERY)], []),
    ([SIGN_INIT, call("C_Sign", data_bytes=20, result=ck.CKR_BUFFER_TOO_SMALL)], []),
    (
        [SIGN_INIT, call("C_SignUpdate", data_bytes=9), call("C_SignFinal")],
        [("query", 0), ("sha256", 9), ("rsa2048-sign", 0)],
    ),
    ([GCM_INIT, call("C_Encrypt", data_bytes=1000)], [("aes-256-gcm", 1000)]),
    (
        [GCM_INIT, call("C_Encrypt", data_bytes=65_536)],
        [("query", 0), ("aes-256-gcm", 57_344), ("aes-256-gcm", 8_192)],
    ),
    (
        [SIGN_INIT, call("C_Sign", data_bytes=65_536)],
        [("query", 0), ("sha256", 57_344), ("sha256", 8_192), ("rsa2048-sign", 0)],
    ),
    ([call("C_GenerateRandom", data_bytes=32)], [("random", 32)]),
    (
        [call("C_GenerateRandom", data_bytes=RANDOM_CHUNK + 5)],
        [("random", RANDOM_CHUNK), ("random", 5)],
    ),
    (
        [call("C_GetMechanismInfo", mechanism=number) for number in (1, 1, 2)],
        [("query", 0), ("query", 0)],
    ),
    ([call("C_FindObjectsInit"), call("C_GetAttributeValue"), call("C_Login")], []),
    ([call("C_WrapKey", mechanism=ck.CKM_AES_KEY_WRAP, **AES)], [("wrap", 48)]),
    (
        [call("C_DecryptInit", mechanism=ck.CKM_RSA_PKCS, **RSA), call("C_Decrypt", data_bytes=9)],
        [("rsa2048-decrypt", 256)],
    ),
    (
        [CBC_INIT, call("C_Encrypt", data_bytes=9)],
        [("aes-256-cbc", 16)],
    ),
    (
        [call("C_MessageEncryptInit", mechanism=ck.CKM_AES_GCM, **AES)]
        + [call("C_EncryptMessage", data_bytes=5)] * 2
        + [call("C_EncryptMessageBegin"), call("C_EncryptMessageNext", data_bytes=7)],
        [("aes-256-gcm", 5), ("aes-256-gcm", 5), ("query", 0), ("aes-256-gcm", 7)],
    ),
    (
        [DIGEST_INIT, GCM_INIT, call("C_DigestEncryptUpdate", data_bytes=64)],
        [("query", 0), ("sha256", 64), ("query", 0), ("aes-256-gcm", 64)],
    ),
]  # fmt: skip


@pytest.mark.parametrize(("calls", "wanted"), CASES)
def test_what_calls_ask_of_a_card(
    calls: Sequence[dict[str, Any]], wanted: list[tuple[str, int]]
) -> None:
    assert works(*calls) == wanted


def test_messages_are_those_of_our_own_library() -> None:
    found, config, _ = requests(made(SIGN_INIT, call("C_Sign", data_bytes=20)), "cex7p", 2)
    row, wanted = found.rows[0], shape("rsa2048-sign", 20)
    assert (row["function"], row["request_bytes"], row["reply_bytes"]) == tuple(wanted)
    assert found.targets == ((0x000, 0x100),)
    assert [card.profile for card in config.cards] == ["cex7p", "cex7p"]


def test_the_text_that_was_decrypted_is_as_long_as_it_was() -> None:
    init = call("C_DecryptInit", mechanism=ck.CKM_RSA_PKCS, **RSA)
    found, _, _ = requests(
        made(init, call("C_Decrypt", data_bytes=256, result_bytes=45)), "cex8p", 1
    )
    assert int(found.rows["reply_bytes"][0]) == shape("rsa2048-decrypt", 256).reply_bytes - 200


@pytest.mark.parametrize(
    ("calls", "operation", "reason"),
    [
        ([call("C_Sign")], "C_Sign", "its operation began before the capture"),
        (
            [SIGN_INIT, call("C_Sign", result=ck.CKR_DATA_LEN_RANGE)],
            "C_Sign",
            "refused, CKR_DATA_LEN_RANGE",
        ),
        (
            [call("C_DigestInit", mechanism=ck.CKM_MD5), call("C_Digest", data_bytes=3)],
            "C_Digest",
            "CKM_MD5 is nothing that a card does",
        ),
        (
            [
                call("C_EncryptInit", mechanism=0x80000001, key_type=0x15, key_bits=64),
                call("C_Encrypt", data_bytes=3),
            ],
            "C_Encrypt",
            "mechanism 0x80000001 with key type 0x15, 64 bits is nothing that a card does",
        ),
        ([call("C_CreateObject")], "C_CreateObject", "no operation of a card is known for it"),
    ],
)
def test_what_is_not_mapped_is_counted_and_named(
    calls: Sequence[dict[str, Any]], operation: str, reason: str
) -> None:
    found, _, left = requests(made(*calls, *calls), "cex8p", 1)
    assert len(found.rows) == 0
    assert left == [(operation, 2, reason)]


_ANY = st.integers(0, (1 << 32) - 1)
_SIZES = st.one_of(st.integers(0, 200_000), st.just((1 << 24) - 1))


@given(
    st.lists(
        st.fixed_dictionaries(
            {
                "function": st.integers(0, len(ck.FUNCTIONS) + 2),
                "mechanism": st.one_of(st.sampled_from((0, 1, 0x250, 0x1087, 0x1041, NONE)), _ANY),
                "key_type": st.one_of(st.sampled_from((0, 3, 0x10, 0x1F, NONE)), _ANY),
                "key_bits": st.one_of(st.sampled_from((0, 1, 256, 2048)), _ANY),
                "flags": st.integers(0, 3),
                "data_bytes": _SIZES,
                "result_bytes": _SIZES,
                "thread": st.integers(1, 3),
            }
        ),
        max_size=12,
    )
)
def test_whatever_was_called_is_mapped_or_named(calls: list[dict[str, Any]]) -> None:
    found, config, _ = requests(made(*calls), "cex8p", 2)
    assert (found.rows["after"] <= len(found.rows)).all()
    assert len(replay(found, config).runs) == (len(found.rows) > 0)


def test_a_function_that_nobody_knows_is_named() -> None:
    _, _, left = requests(made({**call("C_Sign"), "function": 999}), "cex8p", 1)
    assert left == [("function 999", 1, "PKCS #11 3.2 has no such function")]


def test_the_thread_of_a_request_thinks_as_long_as_it_computed() -> None:
    found, _, _ = requests(
        made(
            call("C_GenerateRandom", data_bytes=8, cpu_ns=5),
            call("C_GetSessionInfo", cpu_ns=7),
            call("C_GenerateRandom", data_bytes=8, cpu_ns=20),
        ),
        "cex8p",
        1,
    )
    assert found.rows["think_ns"].tolist() == [5, 27]
    assert found.rows["wall_ns"].tolist() == [0, 190]
