"""ECB and CBC: a message too long for one request goes in pieces that are requests of their own.

No card keeps a context for them: the IV of a piece is the block of ciphertext before it (NIST SP
800-38A, 6.2), and in ECB there is none.
"""

from collections.abc import Callable

from ghostcard import pkcs11 as ck
from ghostcard.module.rule import ID_BYTES

CHAINED = frozenset(
    (
        *(ck.CKM_AES_ECB, ck.CKM_AES_CBC),
        *(ck.CKM_DES_ECB, ck.CKM_DES_CBC),
        *(ck.CKM_DES3_ECB, ck.CKM_DES3_CBC),
    )
)
"""The mechanisms this is for; their parameter is an IV of one block, or nothing."""


def chained(
    single: Callable[[bytes, bytes], bytes],
    limit: int,
    encrypts: bool,
    mechanism: bytes,
    data: bytes,
) -> bytes:
    """The result of all the data, ``limit`` bytes in each request: a whole number of blocks."""
    iv_bytes = len(mechanism) - ID_BYTES
    results = []
    for start in range(0, len(data), limit):
        piece = data[start : start + limit]
        result = single(mechanism, piece)
        results.append(result)
        if iv_bytes:
            ciphertext = result if encrypts else piece
            mechanism = mechanism[:ID_BYTES] + ciphertext[-iv_bytes:]
    return b"".join(results)
