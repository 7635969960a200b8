"""The shape of the library: lists, structures, exported names, every function with nothing."""

import json
import subprocess
from pathlib import Path

import pytest

from ghostcard import pkcs11 as ck
from ghostcard.module import declarations
from tests.module.tree import LIBRARY, REPOSITORY, Tree, compile_host, passes, run

STANDARD = json.loads((REPOSITORY / "module" / "standard.json").read_text())
NAMES: list[str] = STANDARD["interfaces"]["3.2"]


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("hosts")


@pytest.fixture(scope="module")
def tree(tmp_path_factory: pytest.TempPathFactory) -> Tree:
    return Tree(tmp_path_factory.mktemp("site"))


def test_lists_and_structures_have_the_sizes_of_the_standard(folder: Path, tree: Tree) -> None:
    """Sizes of the published header on a 64-bit machine; the lists have no null pointer."""
    printed = passes(run(compile_host("lists", folder), tree.library, *NAMES))
    assert list(map(int, printed.split())) == [104, 552, 744, 840, 40, 24, 88, 112, 208, 32, 24]


def test_only_the_functions_of_the_standard_go_out() -> None:
    command = ["nm", "-D", "--defined-only", str(LIBRARY)]
    listed = subprocess.run(command, check=True, capture_output=True, text=True).stdout
    assert sorted(line.split()[-1] for line in listed.splitlines()) == sorted(STANDARD["functions"])


def test_nothing_is_written_by_hand_that_the_standard_says() -> None:
    committed = (REPOSITORY / "ghostcard" / "pkcs11.py").read_text()
    assert declarations.numbers(declarations.load()) == committed


def test_a_missing_number_would_be_noticed() -> None:
    """The header has all 1,050 constants and 96 structures."""
    header = declarations.header(declarations.load())
    assert header.count("#define ") == sum(len(group) for group in STANDARD["constants"].values())
    assert header.count("\nstruct CK_") == 96 + 3


@pytest.fixture(scope="module")
def answers(folder: Path, tree: Tree) -> dict[str, dict[str, int]]:
    """When -> function -> what it answers to nothing but zeros."""
    printed = passes(run(compile_host("nulls", folder), tree.library, *NAMES))
    table: dict[str, dict[str, int]] = {"before": {}, "after": {}, "finalized": {}}
    for line in printed.splitlines():
        when, name, rv = line.split()
        table[when][name] = int(rv, 16)
    return table


IN_C = dict.fromkeys(declarations.IN_C, ck.CKR_ARGUMENTS_BAD)
WALKED = [name for name in NAMES if name not in ("C_Initialize", "C_Finalize")]


@pytest.mark.parametrize("when", ["before", "finalized"])
def test_without_c_initialize_nothing_works(answers: dict[str, dict[str, int]], when: str) -> None:
    wanted = {name: IN_C.get(name, ck.CKR_CRYPTOKI_NOT_INITIALIZED) for name in WALKED}
    assert answers[when] == wanted


NOT_PARALLEL = {"C_GetFunctionStatus", "C_CancelFunction"}
NEEDS_NO_POINTER = {
    "C_CloseSession": ck.CKR_SESSION_HANDLE_INVALID,
    "C_Logout": ck.CKR_USER_NOT_LOGGED_IN,
    "C_GetAttributeValue": ck.CKR_OK,  # no attributes
    "C_FindObjectsFinal": ck.CKR_OPERATION_NOT_INITIALIZED,
    "C_FindObjects": ck.CKR_ARGUMENTS_BAD,
    "C_SignInit": ck.CKR_OK,  # cancels
    "C_Verify": ck.CKR_SIGNATURE_INVALID,
    "C_DigestUpdate": ck.CKR_GENERAL_ERROR,
    "C_DigestKey": ck.CKR_OK,
    "C_GenerateRandom": ck.CKR_FUNCTION_FAILED,
    "C_EncryptMessageBegin": ck.CKR_MECHANISM_PARAM_INVALID,
    "C_DecryptMessageBegin": ck.CKR_MECHANISM_PARAM_INVALID,
}
PASSED_ON = {
    *("C_InitPIN", "C_SetPIN", "C_CloseAllSessions", "C_DestroyObject"),
    *("C_SetAttributeValue", "C_FindObjectsInit"),
    *("C_EncryptInit", "C_DecryptInit", "C_DigestInit", "C_SignRecoverInit", "C_VerifyInit"),
    *("C_LoginUser", "C_SessionCancel", "C_VerifySignatureInit", "C_VerifySignature"),
    *("C_VerifySignatureUpdate", "C_VerifySignatureFinal"),
    *(
        f"C_Message{name}{part}"
        for name in ("Encrypt", "Decrypt", "Sign", "Verify")
        for part in ("Init", "Final")
    ),
    *("C_SignMessageBegin", "C_SignMessageNext"),
    *("C_VerifyMessage", "C_VerifyMessageBegin", "C_VerifyMessageNext"),
    *("C_VerifyRecoverInit", "C_SignUpdate", "C_VerifyUpdate", "C_VerifyFinal", "C_SeedRandom"),
}
"""No pointer, or NULL allowed: the stand-in answers these with CKR_FUNCTION_FAILED."""


def test_null_pointers_are_arguments_bad(answers: dict[str, dict[str, int]]) -> None:
    wanted = dict.fromkeys(WALKED, ck.CKR_ARGUMENTS_BAD)
    wanted |= dict.fromkeys(NOT_PARALLEL, ck.CKR_FUNCTION_NOT_PARALLEL)
    wanted |= dict.fromkeys(PASSED_ON, ck.CKR_FUNCTION_FAILED)
    wanted |= NEEDS_NO_POINTER
    assert answers["after"] == wanted
