"""The public key of a private key (PKCS #11 3.2, 6.66: CKM_PUB_KEY_FROM_PRIV_KEY)."""

from ghostcard import pkcs11 as ck
from ghostcard.firmware.mechanisms.mechanism import Mechanism
from ghostcard.firmware.mechanisms.private import KEY_TYPES
from ghostcard.firmware.mechanisms.table import Table

MOST_BITS = 16384


class PublicFromPrivate(Mechanism):
    """Keys hold their public half, so there is nothing to compute; the verb answers with the SPKI.

    It takes no right of the key: the public half is no secret.
    """

    __slots__ = ()

    def __init__(self) -> None:
        flags = ck.CKF_HW | ck.CKF_DERIVE
        super().__init__(ck.CKM_PUB_KEY_FROM_PRIV_KEY, 0, MOST_BITS, flags, *KEY_TYPES)


def register(table: Table) -> None:
    """Add CKM_PUB_KEY_FROM_PRIV_KEY; it computes nothing, so there is no answer to know."""
    table.register("pubkey", None, [PublicFromPrivate()])
