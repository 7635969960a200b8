"""Objects the token makes itself: what they say, who finds them, and that nobody can touch them."""

import pytest

from ghostcard import pkcs11 as ck
from ghostcard.module.cryptoki import Cryptoki
from ghostcard.module.encoding import FALSE, TRUE, ulong
from tests.module.program import Program, refusing

CLASSES = (ck.CKO_PROFILE, ck.CKO_MECHANISM, ck.CKO_VALIDATION)


def test_mechanism_objects_are_the_mechanism_list(program: Program) -> None:
    found = program.find(CLASS=ck.CKO_MECHANISM)
    types = [program.one(handle, "MECHANISM_TYPE") for handle in found]
    assert sorted(types) == sorted(map(ulong, program.library.get_mechanism_list(0)))
    (gcm,) = program.find(CLASS=ck.CKO_MECHANISM, MECHANISM_TYPE=ck.CKM_AES_GCM)
    assert program.one(gcm, "LABEL") == b"CKM_AES_GCM"
    assert program.get(gcm, "TOKEN", "PRIVATE", "MODIFIABLE", "COPYABLE", "DESTROYABLE") == [
        *(TRUE, FALSE, FALSE, FALSE, FALSE)
    ]
    assert gcm in found  # handles stay


def test_profiles_and_validation(program: Program) -> None:
    profiles = program.find(CLASS=ck.CKO_PROFILE)
    assert [program.one(handle, "PROFILE_ID") for handle in profiles] == [
        ulong(ck.CKP_BASELINE_PROVIDER),
        ulong(ck.CKP_EXTENDED_PROVIDER),
    ]
    (validation,) = program.find(CLASS=ck.CKO_VALIDATION)
    assert program.get(
        validation, "VALIDATION_TYPE", "VALIDATION_AUTHORITY_TYPE", "VALIDATION_FLAG"
    ) == [ulong(ck.CKV_TYPE_UNSPECIFIED), ulong(ck.CKV_AUTHORITY_TYPE_UNSPECIFIED), ulong(0)]


def test_only_a_search_for_their_class_finds_them(program: Program) -> None:
    made = program.data("mine")
    for object_class in CLASSES:
        assert program.find(CLASS=object_class)
    assert program.find() == [made]
    assert program.find(TOKEN=True) == []


def test_they_need_no_login_and_their_unique_ids_differ(library: Cryptoki) -> None:
    program = Program(library)
    handles = [handle for each in CLASSES for handle in program.find(CLASS=each)]
    assert len({program.one(handle, "UNIQUE_ID") for handle in handles}) == len(handles)


@pytest.mark.parametrize("object_class", CLASSES)
def test_nobody_can_touch_them(program: Program, object_class: int) -> None:
    handle, *_ = program.find(CLASS=object_class)
    with refusing(ck.CKR_ACTION_PROHIBITED):
        program.library.destroy_object(program.session, handle)
    with refusing(ck.CKR_ACTION_PROHIBITED):
        program.library.copy_object(program.session, handle, [])
    with refusing(ck.CKR_ACTION_PROHIBITED):
        program.set(handle, LABEL="other")
    with refusing(ck.CKR_ATTRIBUTE_VALUE_INVALID):
        program.create(CLASS=object_class)
    with refusing(ck.CKR_KEY_HANDLE_INVALID):
        program.library.sign_init(program.session, bytes(4), handle)
    assert program.find(CLASS=object_class)[0] == handle
