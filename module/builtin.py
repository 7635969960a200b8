"""Objects the token makes itself and nobody else can: profiles, mechanisms, its validation.

They are found by searches that name their class, and by no others (as the standard has it for
hardware features, PKCS #11 3.2, 4.3): a program that lists all objects wants those somebody made.
"""

from collections.abc import Iterable, Iterator

from ghostcard import __version__
from ghostcard import pkcs11 as ck
from ghostcard.module.attributes import schema_of
from ghostcard.module.encoding import ulong
from ghostcard.module.names import name
from ghostcard.module.template import Attributes

PROFILES = (ck.CKP_BASELINE_PROVIDER, ck.CKP_EXTENDED_PROVIDER)
_NO_VERSION = bytes(2)  # a CK_VERSION


def objects(mechanisms: Iterable[int]) -> Iterator[Attributes]:
    """The attributes of each, for a token with these mechanisms."""
    for profile in PROFILES:
        yield _object(ck.CKO_PROFILE, name("CKP", profile), {ck.CKA_PROFILE_ID: ulong(profile)})
    for mechanism in mechanisms:
        number = {ck.CKA_MECHANISM_TYPE: ulong(mechanism)}
        yield _object(ck.CKO_MECHANISM, name("CKM", mechanism), number)
    yield _object(ck.CKO_VALIDATION, "no validation", _unvalidated())


def _unvalidated() -> Attributes:
    """No authority has looked at it, and it says so."""
    return {
        ck.CKA_VALIDATION_TYPE: ulong(ck.CKV_TYPE_UNSPECIFIED),
        ck.CKA_VALIDATION_VERSION: _NO_VERSION,
        ck.CKA_VALIDATION_LEVEL: ulong(0),
        ck.CKA_VALIDATION_MODULE_ID: f"Ghostcard {__version__}".encode(),
        ck.CKA_VALIDATION_FLAG: ulong(0),
        ck.CKA_VALIDATION_AUTHORITY_TYPE: ulong(ck.CKV_AUTHORITY_TYPE_UNSPECIFIED),
    }


def _object(object_class: int, label: str, values: Attributes) -> Attributes:
    schema = schema_of(object_class, 0).values()
    defaults = {row.type: row.default for row in schema if row.default is not None}
    own = {
        ck.CKA_CLASS: ulong(object_class),
        ck.CKA_LABEL: label.encode(),
        ck.CKA_UNIQUE_ID: f"{object_class:x}-{label}".encode(),
    }
    return defaults | own | values
