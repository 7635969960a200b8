"""Crossings of the session management functions (PKCS #11 3.2, 5.6)."""

from ghostcard import pkcs11 as ck
from ghostcard.module.cryptoki import Cryptoki
from ghostcard.module.entries.edge import Edge, Pointer
from ghostcard.module.entries.operations import final


def connect(edge: Edge, cryptoki: Cryptoki) -> None:
    """Registers these crossings."""
    connect_sessions(edge, cryptoki)
    connect_states(edge, cryptoki)


def connect_sessions(edge: Edge, cryptoki: Cryptoki) -> None:
    def open_session(slot: int, flags: int) -> int:
        session = cryptoki.open_session(slot, flags)
        if flags & ck.CKF_ASYNC_SESSION and not edge.is_asynchronous:
            from ghostcard.module.entries.asynchronous import postpone

            edge.postpone(postpone(edge, cryptoki))
        return session

    def close_session(session: int) -> int:
        cryptoki.close_session(session)
        return 0

    def close_all_sessions(slot: int) -> int:
        cryptoki.close_all_sessions(slot)
        return 0

    def get_session_info(session: int, info: Pointer) -> int:
        info.slotID, info.state, info.flags, info.ulDeviceError = cryptoki.get_session_info(session)
        return 0

    edge.cross("open_session", open_session)
    edge.cross("close_session", close_session)
    edge.cross("close_all_sessions", close_all_sessions)

    def session_cancel(session: int, flags: int) -> int:
        cryptoki.session_cancel(session, flags)
        return 0

    def get_session_validation_flags(session: int, type: int) -> int:
        return cryptoki.get_session_validation_flags(session, type)

    edge.cross("get_session_info", get_session_info)
    edge.cross("session_cancel", session_cancel)
    edge.cross("refuse", session_cancel)  # arguments that are no good end operations, too
    edge.cross("get_session_validation_flags", get_session_validation_flags)


def connect_states(edge: Edge, cryptoki: Cryptoki) -> None:
    def set_operation_state(
        session: int, state: Pointer, length: int, encryption: int, authentication: int
    ) -> int:
        saved = edge.read(state, length)
        cryptoki.set_operation_state(session, saved, encryption, authentication)
        return 0

    def login(session: int, user: int, pin: Pointer, length: int) -> int:
        cryptoki.login(session, user, edge.read_or_none(pin, length))
        return 0

    def login_user(
        session: int, user: int, pin: Pointer, length: int, name: Pointer, name_length: int
    ) -> int:
        known = edge.read(name, name_length)
        cryptoki.login_user(session, user, edge.read_or_none(pin, length), known)
        return 0

    def logout(session: int) -> int:
        cryptoki.logout(session)
        return 0

    edge.cross("get_operation_state", final(edge, cryptoki.get_operation_state))
    edge.cross("set_operation_state", set_operation_state)
    edge.cross("login", login)
    edge.cross("login_user", login_user)
    edge.cross("logout", logout)
