"""Calls that are right but for the state of the session or the library (PKCS #11 3.2, 5.2, 5.6)."""

from collections.abc import Iterator

from ghostcard import pkcs11 as ck
from tests.module.walk.mistakes import NOT_BUILT, NOT_PARALLEL, Mistake
from tests.module.walk.recipes import RECIPES
from tests.module.walk.shapes import Kind, arguments
from tests.module.walk.world import Call, World

FEEDS = {name for name in RECIPES if name.endswith("Update")}
"""Calls that what follows can do without."""

INITS = tuple(
    name
    for name in RECIPES
    if name.endswith("Init") and name != "C_FindObjectsInit" and RECIPES[name].mechanism
)
"""What starts an operation with a mechanism."""

ENDS = {
    "C_EncryptInit": "C_Encrypt",
    "C_DecryptInit": "C_Decrypt",
    "C_DigestInit": "C_Digest",
    "C_SignInit": "C_Sign",
    "C_SignRecoverInit": "C_SignRecover",
    "C_VerifyInit": "C_Verify",
    "C_VerifyRecoverInit": "C_VerifyRecover",
    "C_VerifySignatureInit": "C_VerifySignature",
    "C_MessageEncryptInit": "C_EncryptMessage",
    "C_MessageDecryptInit": "C_DecryptMessage",
    "C_MessageSignInit": "C_SignMessage",
    "C_MessageVerifyInit": "C_VerifyMessage",
}
"""A use of what was started."""

VERIFIES = {"C_VerifyInit", "C_VerifySignatureInit"}
"""Both are the one verification of a session."""

OF_NOTHING = {
    "C_DecryptFinal": ck.CKR_ENCRYPTED_DATA_LEN_RANGE,
    "C_VerifyFinal": ck.CKR_SIGNATURE_INVALID,
    "C_VerifySignatureFinal": ck.CKR_SIGNATURE_INVALID,
}
"""What ends an operation that got no data, where that cannot succeed."""

BEFORE_INITIALIZE = {"C_GetFunctionList", "C_GetInterfaceList", "C_GetInterface"}
Situation = tuple[Call, Mistake]


def in_session(function: str) -> bool:
    """Whether it takes a session."""
    return any(role.kind is Kind.SESSION for role in arguments(function))


def situations(world: World, function: str) -> Iterator[Situation]:
    """The function where something is missing before it, and after it has ended."""
    if function in NOT_BUILT or function in NOT_PARALLEL or not in_session(function):
        return
    if not RECIPES[function].pending:
        yield from _without(world, function)
    yield from _closed(world, function)
    if function in INITS or function == "C_FindObjectsInit":
        call = world.ready(function)
        world.must(call)
        yield call, Mistake("active already", call.values, ck.CKR_OPERATION_ACTIVE)
        world.close()
    if function in ENDS.values() and "Message" not in function:
        call = world.ready(function)
        world.must(call)
        yield call, Mistake("over already", call.values, ck.CKR_OPERATION_NOT_INITIALIZED)
        world.close()


def _without(world: World, function: str) -> Iterator[Situation]:
    """The last of what comes before it left out, and one more, up to all."""
    before = RECIPES[function].before
    for count in range(len(before)):
        world.open(RECIPES[function].slot)
        for step in before[:count]:
            world.must(world.prepare(step))
        call = world.prepare(function)
        missing = [step for step in before[count:] if step not in FEEDS]
        wanted = ck.CKR_OPERATION_NOT_INITIALIZED if missing else ck.CKR_OK
        if before[0] == "C_Login":
            wanted = ck.CKR_USER_NOT_LOGGED_IN
        wanted = OF_NOTHING.get(function, wanted) if wanted == ck.CKR_OK else wanted
        yield call, Mistake(f"without {'-'.join(before[count:])}", call.values, wanted)
        world.close()


def _closed(world: World, function: str) -> Iterator[Situation]:
    call = world.ready(function)
    world.close()
    yield call, Mistake("session closed", call.values, ck.CKR_SESSION_HANDLE_INVALID)


def overlaps(world: World) -> Iterator[Situation]:
    """Two operations in one session: of two kinds, both go on; of one kind, the second waits."""
    for first in INITS:
        for second in INITS:
            world.open()
            world.must(world.prepare(first))
            is_same = first == second or {first, second} <= VERIFIES
            call = world.prepare(second)
            wanted = ck.CKR_OPERATION_ACTIVE if is_same else ck.CKR_OK
            yield call, Mistake(f"after {first}", call.values, wanted)
            for start in (first,) if is_same else (second, first):
                call = world.prepare(ENDS[start])
                name = f"of {first} and {second}"
                yield call, Mistake(name, call.values, ck.CKR_OK)
            world.close()


def finalized(world: World) -> Iterator[Situation]:
    """Every function, when the library is not in use any more."""
    for function, recipe in RECIPES.items():
        names = tuple("data" if name == "fresh" else name for name in recipe.objects)
        call = world.prepare(function, recipe._replace(objects=names))
        is_early = function in BEFORE_INITIALIZE
        wanted = ck.CKR_OK if is_early else ck.CKR_CRYPTOKI_NOT_INITIALIZED
        yield call, Mistake("finalized", call.values, wanted)
