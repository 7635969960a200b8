"""The attribute table: every row walked, and the rules between attributes."""

import pytest

from ghostcard import pkcs11 as ck
from ghostcard.module import attributes as table
from ghostcard.module.encoding import TRUE, ulong

_EXAMPLES = {
    table.BOOL: TRUE,
    table.ULONG: ulong(1),
    table.DATE: b"20261123",
    table.BYTES: b"bytes",
    table.BIG: b"\x03",
    table.MECHANISMS: ulong(ck.CKM_ECDSA),
}
_WRONG = {
    table.BOOL: (b"", b"\x02", bytes(2)),
    table.ULONG: (b"", bytes(4), bytes(9)),
    table.DATE: (b"2026112", b"20261399", b"20260100", b"2026112x"),
    table.BYTES: (),
    table.BIG: (b"", b"\0", bytes(4)),
    table.MECHANISMS: (bytes(4), bytes(9)),
}
EVERY_KIND = pytest.mark.parametrize(("object_class", "subtype"), sorted(table.SCHEMAS))
