"""The library, its token with one of everything, and calls built from recipes."""

import ctypes
from collections.abc import Iterator, Sequence
from typing import Any

from ghostcard import pkcs11 as ck
from tests.module.walk.memory import OUT_BYTES, TAG_BYTES, Memory, Ulong
from tests.module.walk.recipes import (
    DATA,
    PIN,
    RECIPES,
    SECRET,
    SO_PIN,
    TRUE,
    Recipe,
    Template,
    ulong,
)
from tests.module.walk.shapes import Argument, Kind, arguments

Values = list[int]
"""What stands for one `Argument`: as many numbers and addresses as it takes."""

Given = dict[Kind, Iterator[Any]]
"""The values of a recipe that have not been used yet."""

AES: Template = (
    (ck.CKA_CLASS, ulong(ck.CKO_SECRET_KEY)),
    (ck.CKA_KEY_TYPE, ulong(ck.CKK_AES)),
    (ck.CKA_VALUE, bytes(range(32))),
    *((use, TRUE) for use in (ck.CKA_WRAP, ck.CKA_UNWRAP)),
)
ASYNC = ck.CKF_SERIAL_SESSION | ck.CKF_RW_SESSION | ck.CKF_ASYNC_SESSION
DERIVES: Template = ((ck.CKA_DERIVE, TRUE),)
RSA_BITS: Template = ((ck.CKA_MODULUS_BITS, ulong(2048)),)
KEM_SET: Template = ((ck.CKA_PARAMETER_SET, ulong(ck.CKP_ML_KEM_512)), (ck.CKA_ENCAPSULATE, TRUE))
DECAPSULATES: Template = ((ck.CKA_DECAPSULATE, TRUE),)


class Call:
    """One call of a function: the values of its arguments and the memory they point to."""

    def __init__(self, function: str) -> None:
        self.function = function
        self.roles: list[Argument] = arguments(function)
        self.values: list[Values] = []
        self.memory = Memory()

    def replaced(self, place: int, values: Values) -> "list[Values]":
        """The values, with those of one argument replaced."""
        return [*self.values[:place], values, *self.values[place + 1 :]]


class World:
    """The real library in this process, with keys that the recipes name."""

    def __init__(self, path: str) -> None:
        self._library = ctypes.CDLL(path)
        self.bytes: dict[str, bytes] = {"gcm key": b"", "ecdh": b"", "tag": bytes(TAG_BYTES)}
        self.objects: dict[str, int] = {"none": 0}
        self.session = 0
        self.joinable = 0

    def call(self, function: str, values: Sequence[Values]) -> int:
        """The CK_RV."""
        entry = getattr(self._library, function)
        entry.restype = Ulong
        flat = [Ulong(value % (1 << 64)) for group in values for value in group]
        return int(entry(*flat))

    def must(self, call: Call, rv: int = ck.CKR_OK) -> None:
        """A call that is right."""
        answer = self.call(call.function, call.values)
        if answer != rv or not call.memory.is_intact:
            raise SystemExit(f"{call.function}: 0x{answer:x}, not 0x{rv:x}")

    # --- calls -----------------------------------------------------------------------------------

    def prepare(self, function: str, recipe: Recipe | None = None) -> Call:
        """The call of a recipe; what comes before it is not done."""
        recipe = recipe or RECIPES[function]
        call = Call(function)
        given: Given = {
            Kind.OBJECT: iter(recipe.objects),
            Kind.DATA: iter(recipe.data),
            Kind.TEMPLATE: iter(recipe.templates),
            Kind.NUMBER: iter(recipe.numbers),
        }
        for role in call.roles:
            call.values.append(self._values(role, recipe, given, call.memory))
        return call

    def _values(self, role: Argument, recipe: Recipe, given: Given, memory: Memory) -> Values:
        kind = role.kind
        if kind is Kind.SESSION:
            return [self.session]
        if kind is Kind.SLOT:
            return [recipe.slot]
        if kind is Kind.NUMBER:
            return [next(given[kind], 0) or self.joinable]
        if kind is Kind.OBJECT:
            name = next(given[kind])
            assert isinstance(name, str)
            return [self.fresh() if name == "fresh" else self.objects[name]]
        if kind is Kind.MECHANISM:
            assert recipe.mechanism is not None
            number, parameter = recipe.mechanism
            return [memory.mechanism(number, self._parameter(parameter, memory))]
        if kind is Kind.DATA:
            value = next(given[kind], DATA)
            content = self.bytes[value] if isinstance(value, str) else value
            return [memory.hold(content), len(content)]
        if kind is Kind.PARAMETER:
            return self._message(recipe, memory)
        if kind is Kind.TEMPLATE:
            template = next(given[kind])
            return [memory.template(template), len(template)]
        return _places(kind, recipe, memory)

    def _parameter(self, parameter: bytes | str, memory: Memory) -> bytes:
        if parameter == "gcm key":
            return memory.gcm_key()
        if parameter == "ecdh":
            return memory.ecdh(self.bytes["point"])
        assert isinstance(parameter, bytes)
        return parameter

    def _message(self, recipe: Recipe, memory: Memory) -> Values:
        """Messages that are signed have no parameter."""
        if any("crypt" in name for name in recipe.before):
            content = memory.gcm_message(self.bytes["tag"])
            return [memory.hold(content), len(content)]
        return [0, 0]

    # --- the token -------------------------------------------------------------------------------

    def open(self, slot: int = 0, flags: int = ck.CKF_SERIAL_SESSION | ck.CKF_RW_SESSION) -> int:
        """A session of its own for what follows."""
        memory = Memory()
        handle = memory.hold(bytes(8))
        if self.call("C_OpenSession", [[slot], [flags], [0], [0], [handle]]):
            raise SystemExit(f"no session with slot {slot}")
        self.session = int.from_bytes(memory.buffers[0].bytes, "little")
        return self.session

    def fresh(self) -> int:
        """A new object."""
        return self._created(RECIPES["C_CreateObject"].templates[0])

    def begin(self) -> None:
        """C_Initialize; both tokens get their PINs, the first one its keys."""
        self.must(self._simple("C_Initialize", [[0]]))
        label = Memory()
        name = label.hold(b"walk".ljust(32))
        for slot in (0, 1):
            pin = label.hold(SO_PIN)
            self.must(self._simple("C_InitToken", [[slot], [pin, len(SO_PIN)], [name]]))
        self._set_pin(label)
        self.open()
        pin = label.hold(PIN)
        self.must(self._simple("C_Login", [[self.session], [ck.CKU_USER], [pin, len(PIN)]]))
        self._make_keys()
        self._make_bytes()

    def end(self) -> None:
        """C_Finalize; handles and memory stay as they were."""
        self.must(self._simple("C_Finalize", [[0]]))

    def _set_pin(self, memory: Memory) -> None:
        session, so, user = self.open(), memory.hold(SO_PIN), memory.hold(PIN)
        self.must(self._simple("C_Login", [[session], [ck.CKU_SO], [so, len(SO_PIN)]]))
        self.must(self._simple("C_InitPIN", [[session], [user, len(PIN)]]))
        self.must(self._simple("C_CloseSession", [[session]]))

    def _simple(self, function: str, values: list[Values]) -> Call:
        call = Call(function)
        call.values = values
        return call

    def _make_keys(self) -> None:
        value = ((ck.CKA_VALUE, bytes(range(40))), (ck.CKA_SENSITIVE, b"\0"))
        self.objects["aes"] = self._created(AES)
        self.objects["secret"] = self._created((*SECRET, *value))
        self.objects["data"] = self.fresh()
        p256 = RECIPES["C_GenerateKeyPair"].templates[0]
        self._pair("ec", ck.CKM_EC_KEY_PAIR_GEN, p256, DERIVES)
        self._pair("rsa", ck.CKM_RSA_PKCS_KEY_PAIR_GEN, RSA_BITS, ())
        self._pair("kem", ck.CKM_ML_KEM_KEY_PAIR_GEN, KEM_SET, DECAPSULATES)
        point = self.attribute(self.objects["ec public"], ck.CKA_EC_POINT)
        self.bytes["point"] = point[2:]  # without the head of its OCTET STRING

    def _pair(self, name: str, mechanism: int, public: Template, private: Template) -> None:
        recipe = Recipe(mechanism=(mechanism, b""), templates=(public, private))
        call = self.prepare("C_GenerateKeyPair", recipe)
        self.must(call)
        for half, values in zip(("public", "private"), call.values[-2:], strict=True):
            self.objects[f"{name} {half}"] = number_at(values[0])

    def _created(self, template: Template) -> int:
        call = self.prepare("C_CreateObject", Recipe(templates=(template,)))
        self.must(call)
        return number_at(call.values[-1][0])

    def attribute(self, object: int, type: int, room: int = 200) -> bytes:
        """The value of an attribute, of no more bytes than that."""
        memory = Memory()
        entry = memory.hold(memory.structure(type, memory.hold(bytes(room)), room))
        self.must(self._simple("C_GetAttributeValue", [[self.session], [object], [entry, 1]]))
        _, address, size = (number_at(entry + 8 * place) for place in range(3))
        return ctypes.string_at(address, size)

    def _make_bytes(self) -> None:
        """The results that other functions are given."""
        for name, function in (
            ("encrypted", "C_Encrypt"),
            ("code", "C_Sign"),
            ("recoverable", "C_SignRecover"),
            ("wrapped", "C_WrapKey"),
            ("sealed key", "C_WrapKeyAuthenticated"),
            ("sealed", "C_EncryptMessage"),
            ("ciphertext", "C_EncapsulateKey"),
            ("state", "C_GetOperationState"),
        ):
            call = self.ready(function)
            self.must(call)
            place = [role.kind for role in call.roles].index(Kind.OUT)
            buffer, length = call.values[place]
            self.bytes[name] = ctypes.string_at(buffer, number_at(length))
            if function == "C_EncryptMessage":
                place = number_at(call.values[1][0] + 32)
                self.bytes["tag"] = ctypes.string_at(place, TAG_BYTES)

    def ready(self, function: str) -> Call:
        """The call of a recipe in a session of its own, after all that comes before it."""
        recipe = RECIPES[function]
        if recipe.pending:
            return self._ready_to_end(function, recipe)
        if any(role.kind is Kind.SESSION for role in arguments(function)):
            self.open(recipe.slot)
        for step in recipe.before:
            self.must(self.prepare(step))
        return self.prepare(function)

    def _ready_to_end(self, function: str, recipe: Recipe) -> Call:
        """The same of what ends a call that is pending; C_AsyncJoin is another session's."""
        self.open(recipe.slot, ASYNC)
        for step in recipe.before:
            call = self.prepare(step)
            answer = World.call(self, step, call.values)
            if answer != (ck.CKR_PENDING if step == "C_Sign" else ck.CKR_OK):
                raise SystemExit(f"{step} before {function}: 0x{answer:x}")
            if step == "C_AsyncGetID":
                self.joinable = number_at(call.values[-1][0])
                self.open(recipe.slot, ASYNC)
        call = self.prepare(function)
        self.joinable = 0
        return call

    def close(self) -> None:
        """End the session of the last call, if it lasts still, and the login with it."""
        self.call("C_CloseSession", [[self.session]])

    def length_of(self, call: Call, place: int) -> int:
        """What the function would fill in there, asked for in a session of its own."""
        asking = self.ready(call.function)
        asking.values[place][0] = 0
        self.must(asking, RECIPES[call.function].rv)
        length = number_at(asking.values[place][-1])
        self.close()
        self.session = call.values[0][0]
        return length

    def told(self, call: Call) -> int | None:
        """The length the call has filled in."""
        kinds = [role.kind for role in call.roles]
        for kind in (Kind.OUT, Kind.LIST):
            if kind in kinds:
                return number_at(call.values[kinds.index(kind)][-1])
        return None


def number_at(address: int) -> int:
    """The CK_ULONG there."""
    return Ulong.from_address(address).value


def _places(kind: Kind, recipe: Recipe, memory: Memory) -> Values:
    """Where results go, and what has no meaning."""
    if kind is Kind.OUT:
        return [memory.hold(bytes(OUT_BYTES)), memory.hold(ulong(OUT_BYTES))]
    if kind is Kind.LIST:
        return [memory.hold(bytes(OUT_BYTES)), memory.hold(ulong(OUT_BYTES // 24))]
    if kind is Kind.FOUND:
        return [memory.hold(bytes(80)), 10, memory.hold(bytes(8))]
    if kind is Kind.FILLED:
        return [memory.hold(recipe.filled.ljust(1024, b"\0"))]
    if kind is Kind.MADE:
        return [memory.hold(bytes(8))]
    if kind is Kind.TEXT:
        return [memory.hold(recipe.text.ljust(32))]
    return [0]
