"""Crossings of the session management functions (PKCS #11 3.2, 5.6)."""

from ghostcard.module.cryptoki import Cryptoki
from ghostcard.module.entries.edge import Edge, Pointer
from ghostcard.module.entries.operations import final


def connect(edge: Edge, cryptoki: Cryptoki) -> None:
    """Registers these crossings."""
    connect_sessions(edge, cryptoki)
    connect_states(edge, cryptoki)


def connect_sessions(edge: Edge, cryptoki: Cryptoki) -> None:
    def open_session(slot: int, flags: int) -> int:
        return cryptoki.open_session(slot, flags)

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
    edge.cross("get_session_info", get_session_info)


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

    def logout(session: int) -> int:
        cryptoki.logout(session)
        return 0

    edge.cross("get_operation_state", final(edge, cryptoki.get_operation_state))
    edge.cross("set_operation_state", set_operation_state)
    edge.cross("login", login)
    edge.cross("logout", logout)
