"""The Cryptoki functions in plain Python: one method per C_ function, snake case without the prefix.

Handles are ints, templates lists of (type, value bytes as the C structure holds them), a mechanism is the
``id u32 parameters`` of `docs/design.md`; ``None`` in its place cancels the active operation (PKCS #11 3.x).
Functions with output take ``capacity`` (None: the caller asks for the length) and return the bytes, or as
an ``int`` the length needed, and then the operation stays active. Errors are CryptokiError and nothing else.
"""

from collections.abc import Sequence

from ghostcard import pkcs11 as ck
from ghostcard.module.errors import CryptokiError
from ghostcard.module.information import LibraryInfo, MechanismInfo, SessionInfo, SlotInfo, TokenInfo

Template = Sequence[tuple[int, bytes]]
Mechanism = bytes | None


class Cryptoki:
    """One library instance; threads may call it at the same time."""

    def initialize(self) -> None:
        raise CryptokiError(ck.CKR_FUNCTION_NOT_SUPPORTED)

    def finalize(self) -> None:
        raise CryptokiError(ck.CKR_FUNCTION_NOT_SUPPORTED)

    def get_info(self) -> LibraryInfo:
        raise CryptokiError(ck.CKR_FUNCTION_NOT_SUPPORTED)

    def get_slot_list(self, token_present: bool) -> list[int]:
        raise CryptokiError(ck.CKR_FUNCTION_NOT_SUPPORTED)

    def get_slot_info(self, slot: int) -> SlotInfo:
        raise CryptokiError(ck.CKR_FUNCTION_NOT_SUPPORTED)

    def get_token_info(self, slot: int) -> TokenInfo:
        raise CryptokiError(ck.CKR_FUNCTION_NOT_SUPPORTED)

    def get_mechanism_list(self, slot: int) -> Sequence[int]:
        raise CryptokiError(ck.CKR_FUNCTION_NOT_SUPPORTED)

    def get_mechanism_info(self, slot: int, mechanism: int) -> MechanismInfo:
        raise CryptokiError(ck.CKR_FUNCTION_NOT_SUPPORTED)

    def init_token(self, slot: int, pin: bytes | None, label: bytes) -> None:
        raise CryptokiError(ck.CKR_FUNCTION_NOT_SUPPORTED)

    def init_pin(self, session: int, pin: bytes | None) -> None:
        raise CryptokiError(ck.CKR_FUNCTION_NOT_SUPPORTED)

    def set_pin(self, session: int, old: bytes | None, new: bytes | None) -> None:
        raise CryptokiError(ck.CKR_FUNCTION_NOT_SUPPORTED)

    def wait_for_slot_event(self, flags: int) -> int:
        raise CryptokiError(ck.CKR_FUNCTION_NOT_SUPPORTED)

    def open_session(self, slot: int, flags: int) -> int:
        raise CryptokiError(ck.CKR_FUNCTION_NOT_SUPPORTED)

    def close_session(self, session: int) -> None:
        raise CryptokiError(ck.CKR_FUNCTION_NOT_SUPPORTED)

    def close_all_sessions(self, slot: int) -> None:
        raise CryptokiError(ck.CKR_FUNCTION_NOT_SUPPORTED)

    def get_session_info(self, session: int) -> SessionInfo:
        raise CryptokiError(ck.CKR_FUNCTION_NOT_SUPPORTED)

    def get_operation_state(self, session: int, capacity: int | None) -> bytes | int:
        raise CryptokiError(ck.CKR_FUNCTION_NOT_SUPPORTED)

    def set_operation_state(self, session: int, state: bytes, encryption_key: int, authentication_key: int) -> None:
        raise CryptokiError(ck.CKR_FUNCTION_NOT_SUPPORTED)

    def login(self, session: int, user_type: int, pin: bytes | None) -> None:
        raise CryptokiError(ck.CKR_FUNCTION_NOT_SUPPORTED)

    def logout(self, session: int) -> None:
        raise CryptokiError(ck.CKR_FUNCTION_NOT_SUPPORTED)

    def create_object(self, session: int, template: Template) -> int:
        raise CryptokiError(ck.CKR_FUNCTION_NOT_SUPPORTED)

    def copy_object(self, session: int, object: int, template: Template) -> int:
        raise CryptokiError(ck.CKR_FUNCTION_NOT_SUPPORTED)

    def destroy_object(self, session: int, object: int) -> None:
        raise CryptokiError(ck.CKR_FUNCTION_NOT_SUPPORTED)

    def get_object_size(self, session: int, object: int) -> int:
        raise CryptokiError(ck.CKR_FUNCTION_NOT_SUPPORTED)

    def get_attribute_value(self, session: int, object: int, types: Sequence[int]) -> list[bytes | int]:
        raise CryptokiError(ck.CKR_FUNCTION_NOT_SUPPORTED)

    def set_attribute_value(self, session: int, object: int, template: Template) -> None:
        raise CryptokiError(ck.CKR_FUNCTION_NOT_SUPPORTED)

    def find_objects_init(self, session: int, template: Template) -> None:
        raise CryptokiError(ck.CKR_FUNCTION_NOT_SUPPORTED)

    def find_objects(self, session: int, maximum: int) -> list[int]:
        raise CryptokiError(ck.CKR_FUNCTION_NOT_SUPPORTED)

    def find_objects_final(self, session: int) -> None:
        raise CryptokiError(ck.CKR_FUNCTION_NOT_SUPPORTED)

    def encrypt_init(self, session: int, mechanism: Mechanism, key: int) -> None:
        raise CryptokiError(ck.CKR_FUNCTION_NOT_SUPPORTED)

    def encrypt(self, session: int, data: bytes, capacity: int | None) -> bytes | int:
        raise CryptokiError(ck.CKR_FUNCTION_NOT_SUPPORTED)

    def encrypt_update(self, session: int, data: bytes, capacity: int | None) -> bytes | int:
        raise CryptokiError(ck.CKR_FUNCTION_NOT_SUPPORTED)

    def encrypt_final(self, session: int, capacity: int | None) -> bytes | int:
        raise CryptokiError(ck.CKR_FUNCTION_NOT_SUPPORTED)

    def decrypt_init(self, session: int, mechanism: Mechanism, key: int) -> None:
        raise CryptokiError(ck.CKR_FUNCTION_NOT_SUPPORTED)

    def decrypt(self, session: int, data: bytes, capacity: int | None) -> bytes | int:
        raise CryptokiError(ck.CKR_FUNCTION_NOT_SUPPORTED)

    def decrypt_update(self, session: int, data: bytes, capacity: int | None) -> bytes | int:
        raise CryptokiError(ck.CKR_FUNCTION_NOT_SUPPORTED)

    def decrypt_final(self, session: int, capacity: int | None) -> bytes | int:
        raise CryptokiError(ck.CKR_FUNCTION_NOT_SUPPORTED)

    def digest_init(self, session: int, mechanism: Mechanism) -> None:
        raise CryptokiError(ck.CKR_FUNCTION_NOT_SUPPORTED)

    def digest(self, session: int, data: bytes, capacity: int | None) -> bytes | int:
        raise CryptokiError(ck.CKR_FUNCTION_NOT_SUPPORTED)

    def digest_update(self, session: int, data: bytes) -> None:
        raise CryptokiError(ck.CKR_FUNCTION_NOT_SUPPORTED)

    def digest_key(self, session: int, key: int) -> None:
        raise CryptokiError(ck.CKR_FUNCTION_NOT_SUPPORTED)

    def digest_final(self, session: int, capacity: int | None) -> bytes | int:
        raise CryptokiError(ck.CKR_FUNCTION_NOT_SUPPORTED)

    def sign_init(self, session: int, mechanism: Mechanism, key: int) -> None:
        raise CryptokiError(ck.CKR_FUNCTION_NOT_SUPPORTED)

    def sign(self, session: int, data: bytes, capacity: int | None) -> bytes | int:
        raise CryptokiError(ck.CKR_FUNCTION_NOT_SUPPORTED)

    def sign_update(self, session: int, data: bytes) -> None:
        raise CryptokiError(ck.CKR_FUNCTION_NOT_SUPPORTED)

    def sign_final(self, session: int, capacity: int | None) -> bytes | int:
        raise CryptokiError(ck.CKR_FUNCTION_NOT_SUPPORTED)

    def sign_recover_init(self, session: int, mechanism: Mechanism, key: int) -> None:
        raise CryptokiError(ck.CKR_FUNCTION_NOT_SUPPORTED)

    def sign_recover(self, session: int, data: bytes, capacity: int | None) -> bytes | int:
        raise CryptokiError(ck.CKR_FUNCTION_NOT_SUPPORTED)

    def verify_init(self, session: int, mechanism: Mechanism, key: int) -> None:
        raise CryptokiError(ck.CKR_FUNCTION_NOT_SUPPORTED)

    def verify(self, session: int, data: bytes, signature: bytes) -> None:
        raise CryptokiError(ck.CKR_FUNCTION_NOT_SUPPORTED)

    def verify_update(self, session: int, data: bytes) -> None:
        raise CryptokiError(ck.CKR_FUNCTION_NOT_SUPPORTED)

    def verify_final(self, session: int, signature: bytes) -> None:
        raise CryptokiError(ck.CKR_FUNCTION_NOT_SUPPORTED)

    def verify_recover_init(self, session: int, mechanism: Mechanism, key: int) -> None:
        raise CryptokiError(ck.CKR_FUNCTION_NOT_SUPPORTED)

    def verify_recover(self, session: int, signature: bytes, capacity: int | None) -> bytes | int:
        raise CryptokiError(ck.CKR_FUNCTION_NOT_SUPPORTED)

    def digest_encrypt_update(self, session: int, data: bytes, capacity: int | None) -> bytes | int:
        raise CryptokiError(ck.CKR_FUNCTION_NOT_SUPPORTED)

    def decrypt_digest_update(self, session: int, data: bytes, capacity: int | None) -> bytes | int:
        raise CryptokiError(ck.CKR_FUNCTION_NOT_SUPPORTED)

    def sign_encrypt_update(self, session: int, data: bytes, capacity: int | None) -> bytes | int:
        raise CryptokiError(ck.CKR_FUNCTION_NOT_SUPPORTED)

    def decrypt_verify_update(self, session: int, data: bytes, capacity: int | None) -> bytes | int:
        raise CryptokiError(ck.CKR_FUNCTION_NOT_SUPPORTED)

    def generate_key(self, session: int, mechanism: bytes, template: Template) -> int:
        raise CryptokiError(ck.CKR_FUNCTION_NOT_SUPPORTED)

    def generate_key_pair(self, session: int, mechanism: bytes, public_template: Template, private_template: Template) -> tuple[int, int]:
        raise CryptokiError(ck.CKR_FUNCTION_NOT_SUPPORTED)

    def wrap_key(self, session: int, mechanism: bytes, wrapping_key: int, key: int, capacity: int | None) -> bytes | int:
        raise CryptokiError(ck.CKR_FUNCTION_NOT_SUPPORTED)

    def unwrap_key(self, session: int, mechanism: bytes, key: int, wrapped: bytes, template: Template) -> int:
        raise CryptokiError(ck.CKR_FUNCTION_NOT_SUPPORTED)

    def derive_key(self, session: int, mechanism: bytes, base_key: int, template: Template) -> int:
        raise CryptokiError(ck.CKR_FUNCTION_NOT_SUPPORTED)

    def seed_random(self, session: int, data: bytes) -> None:
        raise CryptokiError(ck.CKR_FUNCTION_NOT_SUPPORTED)

    def generate_random(self, session: int, length: int) -> bytes:
        raise CryptokiError(ck.CKR_FUNCTION_NOT_SUPPORTED)

    def after_fork(self) -> None:
        raise CryptokiError(ck.CKR_FUNCTION_NOT_SUPPORTED)
