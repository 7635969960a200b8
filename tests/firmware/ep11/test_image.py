"""The image as a whole: boot, error state, and an answer to whatever bytes arrive."""

import subprocess
import sys
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from ghostcard import pkcs11 as ck
from ghostcard.emulator.errors import ProfileError
from ghostcard.emulator.nvram import Nvram
from ghostcard.firmware.abi import errorreply, reply, request, verbs
from ghostcard.firmware.abi.errorreply import ReplyCode
from ghostcard.firmware.abi.operations import EP11_OPERATIONS
from ghostcard.firmware.abi.status import (
    CKR_IBM_API_MISMATCH,
    CKR_IBM_ERROR_STATE,
    CKR_IBM_INTERNAL_ERROR,
    CKR_IBM_TRANSPORT_LIMIT,
)
from ghostcard.firmware.ep11.image import Ep11Image
from ghostcard.firmware.ep11.wrapping import nvram_name
from ghostcard.firmware.mechanisms import aes_gcm, digest
from tests.firmware.ep11.caller import CBC_PAD, ECDSA, RESULT, Caller, Services, gcm, mech, u32

RELAXED = settings(suppress_health_check=[HealthCheck.function_scoped_fixture], deadline=None)


class TestBoot:
    def test_wrapping_keys_are_made_once(self) -> None:
        first = Services(seed=1)
        Caller(first)
        keys = [first.nvram.read(nvram_name(domain)) for domain in (0, 1)]
        assert [len(key or b"") for key in keys] == [32, 32]
        assert keys[0] != keys[1]
        Caller(Services(seed=2, nvram=first.nvram))
        assert [first.nvram.read(nvram_name(domain)) for domain in (0, 1)] == keys

    def test_keys_outlive_the_process(self, tmp_path: Path) -> None:
        where = tmp_path / "card.nvram"
        key = (one := Caller(Services(nvram=Nvram(where)))).aes()
        text = one.encrypt(CBC_PAD, key, b"text")
        later = Caller(Services(seed=2, nvram=Nvram(where)))
        assert later.decrypt(CBC_PAD, key, text) == b"text"

    def test_identity(self) -> None:
        image = Ep11Image()
        assert (image.mode, image.facilities) == ("ep11", 0x06800000)

    def test_every_operation_has_a_plan(self, card: Caller) -> None:
        for operation in EP11_OPERATIONS:
            assert card.image.plan(operation, 1024).engine_ns == 0  # profile "null"

    def test_a_profile_without_a_price_is_refused(self) -> None:
        services = Services()
        operations = dict(services.profile.operations)
        del operations["ecdsa-p384-sign"]
        services.profile = services.profile._replace(operations=operations)
        with pytest.raises(ProfileError, match="ecdsa-p384-sign"):
            Caller(services)

    def test_the_import_path_is_light(self) -> None:
        """Programs that load the library pay for what is imported before their first call."""
        heavy = [
            "cryptography",
            "simpy",
            "numpy",
            "dataclasses",
            "logging",
            "json",
            "importlib.metadata",
            "argparse",
        ]
        code = (
            "import sys; import ghostcard.firmware.ep11.image; "
            f"print([name for name in {heavy!r} if name in sys.modules])"
        )
        found = subprocess.run(
            [sys.executable, "-c", code], capture_output=True, text=True, check=True
        )
        assert found.stdout.strip() == "[]"


class TestErrorState:
    def test_a_failed_test_stops_everything(self, monkeypatch: pytest.MonkeyPatch) -> None:
        card = Caller()
        key = card.aes()
        monkeypatch.setattr(aes_gcm, "_SEALED", bytes(76))
        card.refused(CKR_IBM_ERROR_STATE, verbs.ENCRYPT_SINGLE, RESULT, gcm(), key, b"x")
        assert str(card.image.fault) == "known-answer test of aes-gcm failed"
        monkeypatch.undo()
        for function, params in (
            (verbs.ENCRYPT_SINGLE, (RESULT, CBC_PAD, key, b"x")),
            (verbs.GET_MECHANISM_LIST, ()),
            (verbs.GENERATE_RANDOM, (u32(1),)),
            (verbs.LOGIN, ()),
        ):
            answer = card.refused(CKR_IBM_ERROR_STATE, function, *params)
            assert (answer.operation, answer.payload_bytes) == ("error", 0)

    def test_a_failed_test_at_boot(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(digest._ABC, "sha256", "00" * 32)
        card = Caller()
        assert str(card.image.fault) == "known-answer test of digest failed"
        card.refused(CKR_IBM_ERROR_STATE, verbs.DIGEST_SINGLE, mech(ck.CKM_SHA256), b"x")

    def test_the_next_boot_is_a_fresh_start(self, monkeypatch: pytest.MonkeyPatch) -> None:
        monkeypatch.setitem(digest._ABC, "sha256", "00" * 32)
        services = Services()
        Caller(services)
        monkeypatch.undo()
        assert len(Caller(services).aes()) == 256


class TestRefusals:
    @pytest.mark.parametrize("function", [0, 1, 7, 43, 44, 48, 0xFFFF])
    def test_unknown_functions(self, card: Caller, function: int) -> None:
        answer = card.refused(ck.CKR_FUNCTION_NOT_SUPPORTED, function, b"x")
        assert (answer.operation, answer.payload_bytes) == ("error", 0)

    @pytest.mark.parametrize("function", sorted(verbs.VERBS))
    def test_another_count_of_parameters(self, card: Caller, function: int) -> None:
        wanted = len(verbs.VERBS[function].request)
        for count in {0, 1, wanted - 1, wanted + 1, 9} - {wanted, -1}:
            block = request.pack(request.Head(function, 0), (bytes(4),) * count)
            malformed = errorreply.pack(ReplyCode.MALFORMED_MSG)
            assert card.image.perform(0, block) == (malformed, "error", 0)

    def test_numbers_of_another_size(self, card: Caller) -> None:
        for function, params in (
            (verbs.GENERATE_RANDOM, (bytes(3),)),
            (verbs.GET_MECHANISM_INFO, (b"",)),
            (verbs.GET_XCP_INFO, (bytes(4), bytes(5))),
            (verbs.SIGN_SINGLE, (b"\0\0\0", card.ec()[0], b"x")),
        ):
            block = request.pack(request.Head(function, 0), params)
            malformed = errorreply.pack(ReplyCode.MALFORMED_MSG)
            assert card.image.perform(0, block) == (malformed, "error", 0)

    def test_a_newer_api(self, card: Caller) -> None:
        head = request.Head(verbs.GET_MECHANISM_LIST, 0, api=7)
        answer, operation, _ = card.image.perform(0, request.pack(head, ()))
        assert (reply.unpack(answer), operation) == ((head, CKR_IBM_API_MISMATCH, ()), "error")

    def test_another_domain_than_the_queue(self, card: Caller) -> None:
        block = request.pack(request.Head(verbs.GET_MECHANISM_LIST, 1), ())
        for queue in (0, 7):
            answer, operation, _ = card.image.perform(queue, block)
            assert answer == errorreply.pack(ReplyCode.INVALID_DOMAIN_PENDING)
            assert operation == "error"

    def test_a_reply_that_no_queue_takes(self, card: Caller) -> None:
        services = card.services
        queue = services.profile.queue._replace(max_message_bytes=4096)
        services.profile = services.profile._replace(queue=queue)
        small = Caller(services)
        answer = small.refused(CKR_IBM_TRANSPORT_LIMIT, verbs.GENERATE_RANDOM, u32(4096))
        assert (answer.operation, answer.payload_bytes) == ("random", 4096)

    def test_an_error_of_our_own_is_an_answer_too(self) -> None:
        services = Services()
        fault = RuntimeError("the source is dry")
        is_dry = False

        def draw(size: int) -> bytes:
            if is_dry:
                raise fault
            return bytes(size)

        services.random._draw = draw
        card = Caller(services)
        is_dry = True
        answer = card.refused(CKR_IBM_INTERNAL_ERROR, verbs.GENERATE_RANDOM, u32(8))
        assert answer.operation == "error"
        assert card.image.fault is fault
        is_dry = False
        assert card.call(verbs.GENERATE_RANDOM, u32(8)).rv == 0

    def test_so_is_one_before_the_request_is_understood(
        self, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        fault = MemoryError()

        def unpack(block: bytes) -> None:
            raise fault

        image = Caller().image
        monkeypatch.setattr(request, "unpack", unpack)
        failure = errorreply.pack(ReplyCode.MACHINE_FAILURE)
        assert image.perform(0, b"") == (failure, "error", 0)
        assert image.fault is fault


def wellformed(answer: bytes) -> bool:
    """An error reply, or a reply that parses."""
    if len(answer) == errorreply.SIZE and answer[1] == errorreply.TYPE82:
        return True
    reply.unpack(answer)
    return True


class TestNonsense:
    @RELAXED
    @given(block=st.binary(max_size=400))
    def test_random_bytes(self, card: Caller, block: bytes) -> None:
        answer, operation, payload_bytes = card.image.perform(0, block)
        assert wellformed(answer)
        assert (operation, payload_bytes) == ("error", 0)

    @RELAXED
    @given(
        function=st.sampled_from(sorted(verbs.VERBS)),
        params=st.lists(
            st.one_of(
                st.binary(max_size=40),
                st.sampled_from((bytes(4), u32(1), ECDSA, CBC_PAD, gcm(), mech(ck.CKM_SHA256))),
            ),
            min_size=6,
            max_size=6,
        ),
    )
    def test_random_parameters(self, card: Caller, function: int, params: list[bytes]) -> None:
        count = len(verbs.VERBS[function].request)
        block = request.pack(request.Head(function, 0), params[:count])
        answer, operation, payload_bytes = card.image.perform(0, block)
        assert wellformed(answer)
        assert operation in EP11_OPERATIONS
        assert payload_bytes >= 0
        assert card.image.fault is None

    @RELAXED
    @given(at=st.integers(0, 10_000), byte=st.integers(0, 255), data=st.data())
    def test_changed_requests(self, card: Caller, at: int, byte: int, data: st.DataObject) -> None:
        blob, spki = card.ec()
        key = card.aes()
        function, params = data.draw(
            st.sampled_from(
                (
                    (verbs.SIGN_SINGLE, (ECDSA, blob, bytes(32))),
                    (verbs.VERIFY_SINGLE, (ECDSA, spki, bytes(32), bytes(64))),
                    (verbs.DECRYPT_SINGLE, (RESULT, gcm(), key, bytes(64))),
                    (verbs.WRAP_KEY, (RESULT, CBC_PAD, blob, key, b"")),
                )
            )
        )
        block = request.pack(request.Head(function, 0), params)
        at %= len(block)
        answer, operation, _ = card.image.perform(0, block[:at] + bytes((byte,)) + block[at + 1 :])
        assert wellformed(answer)
        assert operation in EP11_OPERATIONS
        assert card.image.fault is None
        answer, _, _ = card.image.perform(0, block[:at])
        assert wellformed(answer)
        assert card.image.fault is None
