"""Long data in the caller's memory: results and records are those of the requests it would take."""

import hashlib
import random
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import NamedTuple

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ghostcard import pkcs11 as ck
from ghostcard.driver.native import NativePort
from ghostcard.machine import Machine
from ghostcard.module.cryptoki import Cryptoki
from ghostcard.module.errors import CryptokiError
from tests.driver.conftest import in_threads
from tests.module.program import PIN, RW, Template, attributes, mechanism

LIMIT = 57344  # bytes of data in one request
AAD = b"additional data"
ROOM = 64  # beyond the data

Outcome = tuple[str, ...]  # lengths and digests of results, or codes of what was refused


class Kind(NamedTuple):
    """A mechanism: its key, the parameters of a message of that size with an IV of 16 bytes."""

    function: str
    number: int
    parameters: Callable[[bytes, int], tuple[bytes | int, ...]]
    keygen: int | None = None
    template: Template | None = None


def key(**values: bytes | int | bool) -> Template:
    return attributes(ENCRYPT=True, DECRYPT=True, **values)


AES, DES3 = (ck.CKM_AES_KEY_GEN, key(VALUE_LEN=32)), (ck.CKM_DES3_KEY_GEN, key())
SECRET = (ck.CKM_GENERIC_SECRET_KEY_GEN, attributes(VALUE_LEN=32, SIGN=True))
MAC = (ck.CKM_AES_KEY_GEN, attributes(VALUE_LEN=16, SIGN=True))
CHACHA = (ck.CKM_CHACHA20_KEY_GEN, key())


def gcm(iv: bytes, size: int) -> tuple[bytes | int, ...]:
    return 8 * (12 + iv[0] % 5), 12, iv[:12], AAD[: iv[1] % 16]


KINDS = {
    "gcm": Kind("encrypt", ck.CKM_AES_GCM, gcm, *AES),
    "ccm": Kind("encrypt", ck.CKM_AES_CCM, lambda iv, size: (size, 16, 12, iv[:12], AAD), *AES),
    "cbc": Kind("encrypt", ck.CKM_AES_CBC, lambda iv, _: (iv,), *AES),
    "ecb": Kind("encrypt", ck.CKM_AES_ECB, lambda *_: (), *AES),
    "pad": Kind("encrypt", ck.CKM_AES_CBC_PAD, lambda iv, _: (iv,), *AES),
    "ctr": Kind("encrypt", ck.CKM_AES_CTR, lambda iv, _: (32, iv), *AES),
    "des3": Kind("encrypt", ck.CKM_DES3_CBC, lambda iv, _: (iv[:8],), *DES3),
    "poly": Kind("encrypt", ck.CKM_CHACHA20_POLY1305, lambda iv, _: (12, iv[:12], AAD), *CHACHA),
    "sha256": Kind("digest", ck.CKM_SHA256, lambda *_: ()),
    "sha3": Kind("digest", ck.CKM_SHA3_512, lambda *_: ()),
    "blake2b": Kind("digest", ck.CKM_BLAKE2B_256, lambda *_: ()),
    "hmac": Kind("sign", ck.CKM_SHA256_HMAC, lambda *_: (), *SECRET),
    "cut": Kind("sign", ck.CKM_SHA512_HMAC_GENERAL, lambda iv, _: (10 + iv[0] % 9,), *SECRET),
    "cmac": Kind("sign", ck.CKM_AES_CMAC, lambda *_: (), *MAC),
}
SIZES = (8192, LIMIT - 16, LIMIT, LIMIT + 1, 65536, 2 * LIMIT, 130000)


class Call(NamedTuple):
    """One operation, and the same backwards with what comes out or, if it is ``spoilt``, not."""

    kind: str
    size: int
    seed: int
    is_spoilt: bool = False


def told(result: bytes | int) -> str:
    if isinstance(result, int):
        return hex(result)
    return f"{len(result)} {hashlib.sha256(result).hexdigest()}"


class User:
    """A session; `in_place` gives data and room as views, else the data as bytes, in requests."""

    def __init__(self, library: Cryptoki, keys: dict[str, int], in_place: bool) -> None:
        self.library = library
        self.session = library.open_session(0, RW)
        self.keys = keys
        self.in_place = in_place

    def do(self, call: Call) -> Outcome:
        kind, stream = KINDS[call.kind], random.Random(call.seed)
        data, iv = stream.randbytes(call.size), stream.randbytes(16)
        how = mechanism(kind.number, *kind.parameters(iv, call.size))
        result = self.run(kind.function, call.kind, how, data)
        if kind.function != "encrypt" or isinstance(result, int):
            return (told(result),)
        if call.is_spoilt:
            result = result[:-1] + bytes((result[-1] ^ 1,))
        return told(result), told(self.run("decrypt", call.kind, how, result))

    def run(self, function: str, name: str, how: bytes, data: bytes) -> bytes | int:
        keys = (self.keys[name],) if name in self.keys else ()
        try:
            getattr(self.library, f"{function}_init")(self.session, how, *keys)
            return (self.placed if self.in_place else self.returned)(function, data)
        except CryptokiError as error:
            return error.rv

    def returned(self, function: str, data: bytes) -> bytes:
        result = getattr(self.library, function)(self.session, data, len(data) + ROOM)
        assert isinstance(result, bytes)
        return result

    def placed(self, function: str, data: bytes) -> bytes:
        """Both buffers can be given up afterwards: nobody keeps a view of them."""
        given, space = bytearray(data), bytearray(len(data) + ROOM)
        try:
            with memoryview(given) as view, memoryview(space) as out:
                size = getattr(self.library, function)(self.session, view, len(space), out)
                result = size if isinstance(size, bytes) else bytes(out[:size])
                assert not any(out[len(result) + 16 :])
            assert given == data
            return result
        finally:
            given.clear()
            space.clear()


@pytest.fixture
def machine_of(
    home: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> Callable[[int], None]:
    """Configures so many cards with one seed and one slot."""
    monkeypatch.setenv("GHOSTCARD_RUN_DIR", str(tmp_path))
    configuration = tmp_path / "machine.toml"
    monkeypatch.setenv("GHOSTCARD_CONFIG", str(configuration))

    booted = set()

    def configure(cards: int) -> None:
        tables = "".join(f"[[cards]]\nadapter = {n}\ndomains = [0]\n" for n in range(cards))
        queues = ", ".join(f'"{n:02x}.0000"' for n in range(cards))
        configuration.write_text(f"seed = 1\n{tables}[[slots]]\nid = 0\napqns = [{queues}]\n")
        if cards not in booted:  # the first boot of a card draws its secrets
            booted.add(cards)
            with library():
                pass

    return configure


@contextmanager
def library() -> Iterator[tuple[Cryptoki, Machine, dict[str, int]]]:
    """A library with its machine, and a key for each kind that has one."""
    library = Cryptoki()
    library.initialize()
    try:
        session = library.open_session(0, RW)
        library.login(session, ck.CKU_USER, PIN)
        keys = {
            name: library.generate_key(session, mechanism(kind.keygen), kind.template or [])
            for name, kind in KINDS.items()
            if kind.keygen is not None
        }
        for name in KINDS:  # what the library asks once about a mechanism is asked now
            User(library, keys, in_place=False).do(Call(name, 48, 0))
        assert library._machine is not None
        yield library, library._machine, keys
    finally:
        library.finalize()


def records(calls: list[list[Call]], in_place: bool) -> tuple[list[list[Outcome]], bytes]:
    """The outcomes of each thread's calls, and all records."""
    with library() as (it, machine, keys):
        users = [User(it, keys, in_place) for _ in calls]
        outcomes: list[list[Outcome]] = [[] for _ in calls]

        def body(number: int) -> None:
            outcomes[number] += map(users[number].do, calls[number])

        if len(calls) == 1:
            body(0)
        else:
            in_threads(machine.native, len(calls), body)
        machine.native.finish()
        return outcomes, machine.recorder.to_bytes()


CALLS = st.builds(
    Call,
    st.sampled_from(list(KINDS)),
    st.sampled_from(SIZES),
    st.integers(0, 1 << 32),
    st.integers(0, 7).map(lambda drawn: drawn == 0),
)


@given(
    st.lists(CALLS, min_size=1, max_size=6),
    st.sampled_from([(1, 1), (1, 2), (1, 3), (2, 1), (3, 1)]),
)
@settings(
    max_examples=25, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture]
)
def test_results_and_records_are_those_of_the_requests(
    machine_of: Callable[[int], None], drawn: list[Call], shape: tuple[int, int]
) -> None:
    """Each call three times, so that its kind is known, with other data and IVs."""
    cards, threads = shape
    machine_of(cards)
    calls = [call._replace(seed=call.seed + again) for again in range(3) for call in drawn]
    each = [[call._replace(seed=call.seed + 7 * n) for call in calls] for n in range(threads)]
    assert records(each, in_place=True) == records(each, in_place=False)


def test_only_the_first_of_a_kind_goes_in_requests(
    machine_of: Callable[[int], None], monkeypatch: pytest.MonkeyPatch
) -> None:
    machine_of(2)
    sent: list[int] = []
    perform = NativePort.call

    def call(port: NativePort, function: int, *rest: object) -> tuple[bytes, int]:
        sent.append(function)
        return perform(port, function, *rest)  # type: ignore[arg-type]

    monkeypatch.setattr(NativePort, "call", call)
    with library() as (it, _, keys):
        user = User(it, keys, in_place=True)
        for name in KINDS:
            first = user.do(Call(name, 65536, 0))
            assert not any(each.startswith("0x") for each in first), name
            sent.clear()
            assert user.do(Call(name, 65536, 0)) == first
            assert sent == [], name
            user.do(Call(name, 65536 + 16, 0))
            assert len(sent) > 1, name
