"""From a `CK_*_PARAMS` structure to the parameters on the wire: the members of each, in order.

Read when the library is built: `tables_c` writes what `mechanism.c` walks. A member is a number or
an array, by name or path (``RandomInfo.pClientRandom``, ``pOAEPParams->hashAlg``); a byte string is
the pair of pointer and length, the length with ``/8`` behind it if it counts bits, with ``*`` if it
may be a pointer to the length as well. An empty name is the whole of a structure that is one number
or array.
"""

import re
from collections.abc import Iterator
from typing import NamedTuple, Self

from ghostcard.firmware.abi import parameters as wire
from ghostcard.firmware.abi.mechanism import NUMBER, REST, kinds
from ghostcard.module.declarations import Field, Standard

Member = str | tuple[str, str]


class Flattening(NamedTuple):
    """A C structure and its members in the order of the fields on the wire."""

    structure: str
    members: tuple[Member, ...]


_OAEP: tuple[Member, ...] = ("hashAlg", "mgf", "source", ("pSourceData", "ulSourceDataLen"))
_GCM = ("ulTagBits", ("pIv", "ulIvLen"), ("pAAD", "ulAADLen"))


def _through(pointer: str, members: tuple[Member, ...]) -> Iterator[Member]:
    """The members of the structure that a member points to."""
    for member in members:
        if isinstance(member, tuple):
            yield f"{pointer}->{member[0]}", f"{pointer}->{member[1]}"
        else:
            yield f"{pointer}->{member}"


FLATTENINGS: dict[type[wire.Parameters], tuple[Flattening, ...]] = {
    wire.Iv: (Flattening("CK_BYTE[16]", ("",)),),
    wire.Ctr: (Flattening("CK_AES_CTR_PARAMS", ("ulCounterBits", "cb")),),
    wire.Gcm: (
        Flattening("CK_GCM_PARAMS", _GCM),
        Flattening("gcm_without_bits_t", _GCM),
    ),
    wire.DesIv: (Flattening("CK_BYTE[8]", ("",)),),
    wire.Ccm: (
        Flattening(
            "CK_CCM_PARAMS",
            ("ulDataLen", "ulMACLen", ("pNonce", "ulNonceLen"), ("pAAD", "ulAADLen")),
        ),
    ),
    wire.ChaCha20: (
        Flattening(
            "CK_CHACHA20_PARAMS",
            (("pBlockCounter", "blockCounterBits/8"), ("pNonce", "ulNonceBits/8")),
        ),
    ),
    wire.ChaCha20Poly1305: (
        Flattening(
            "CK_SALSA20_CHACHA20_POLY1305_PARAMS",
            (("pNonce", "ulNonceLen"), ("pAAD", "ulAADLen")),
        ),
    ),
    wire.Pss: (Flattening("CK_RSA_PKCS_PSS_PARAMS", ("hashAlg", "mgf", "sLen")),),
    wire.Oaep: (Flattening("CK_RSA_PKCS_OAEP_PARAMS", _OAEP),),
    wire.Ecdh: (
        Flattening(
            "CK_ECDH1_DERIVE_PARAMS",
            ("kdf", ("pSharedData", "ulSharedDataLen"), ("pPublicData", "ulPublicDataLen")),
        ),
    ),
    wire.X942Dh: (
        Flattening(
            "CK_X9_42_DH1_DERIVE_PARAMS",
            ("kdf", ("pOtherInfo", "ulOtherInfoLen"), ("pPublicData", "ulPublicDataLen")),
        ),
    ),
    wire.RsaAes: (
        Flattening("CK_RSA_AES_KEY_WRAP_PARAMS", ("ulAESKeyBits", *_through("pOAEPParams", _OAEP))),
    ),
    wire.EcdhAes: (
        Flattening(
            "CK_ECDH_AES_KEY_WRAP_PARAMS",
            ("ulAESKeyBits", "kdf", ("pSharedData", "ulSharedDataLen")),
        ),
    ),
    wire.MacLength: (Flattening("CK_MAC_GENERAL_PARAMS", ("",)),),
    wire.StringData: (Flattening("CK_KEY_DERIVATION_STRING_DATA", (("pData", "ulLen"),)),),
    wire.BitIndex: (Flattening("CK_EXTRACT_PARAMS", ("",)),),
    wire.CbcData: (Flattening("CK_AES_CBC_ENCRYPT_DATA_PARAMS", ("iv", ("pData", "length"))),),
    wire.DesCbcData: (Flattening("CK_DES_CBC_ENCRYPT_DATA_PARAMS", ("iv", ("pData", "length"))),),
    wire.TlsKdf: (
        Flattening(
            "CK_TLS_KDF_PARAMS",
            (
                "prfMechanism",
                ("pLabel", "ulLabelLength"),
                ("RandomInfo.pClientRandom", "RandomInfo.ulClientRandomLen"),
                ("RandomInfo.pServerRandom", "RandomInfo.ulServerRandomLen"),
                ("pContextData", "ulContextDataLength"),
            ),
        ),
    ),
    wire.TlsMac: (
        Flattening("CK_TLS_MAC_PARAMS", ("prfHashMechanism", "ulMacLength", "ulServerOrClient")),
    ),
    wire.Pbkdf2: (
        Flattening(
            "CK_PKCS5_PBKD2_PARAMS2",
            (
                *("saltSource", "iterations", "prf"),
                ("pSaltSourceData", "ulSaltSourceDataLen"),
                ("pPrfData", "ulPrfDataLen"),
                ("pPassword", "ulPasswordLen*"),  # CK_PKCS5_PBKD2_PARAMS has a pointer there
            ),
        ),
    ),
    wire.SignContext: (
        Flattening("CK_SIGN_ADDITIONAL_CONTEXT", ("hedgeVariant", ("pContext", "ulContextLen"))),
    ),
    wire.HashSignContext: (
        Flattening(
            "CK_HASH_SIGN_ADDITIONAL_CONTEXT",
            ("hedgeVariant", "hash", ("pContext", "ulContextLen")),
        ),
    ),
    wire.Eddsa: (Flattening("CK_EDDSA_PARAMS", ("phFlag", ("pContextData", "ulContextDataLen"))),),
}
"""Class of parameters -> its structure; two where programs use two, told apart by their size. The
parameters of a class that is not here (`Raw`) are bytes and stay as they are."""

EXTRA = {
    # before ulIvBits was added (PKCS #11 2.40, errata 1) CK_GCM_PARAMS was this; both are met
    "gcm_without_bits_t": [
        Field("CK_BYTE *", "pIv"),
        Field("CK_ULONG", "ulIvLen"),
        Field("CK_BYTE *", "pAAD"),
        Field("CK_ULONG", "ulAADLen"),
        Field("CK_ULONG", "ulTagBits"),
    ],
}
"""Structures that are none of the standard's any more."""


def tables_c(standard: Standard) -> str:
    """The source of `generated/parameters.h`: members, structures, and mechanisms in order."""
    return "".join(_lines(standard))


def _lines(standard: Standard) -> Iterator[str]:
    yield "/* Written from module/flattening.py; do not edit. */\n"
    for name, fields in EXTRA.items():
        body = "".join(f"    {field.declare()}\n" for field in fields)
        yield f"typedef struct {{\n{body}}} {name};\n"
    for family, flattenings in FLATTENINGS.items():
        for flattening in flattenings:
            members = "".join(
                f"    {_member(standard, flattening.structure, member, kind)},\n"
                for member, kind in zip(flattening.members, kinds(family), strict=True)
            )
            yield f"static const member_t {_name(flattening)}_members[] = {{\n{members}}};\n"
        yield _structures(family, flattenings)
    yield "static const taker_t takers[] = {\n"
    for number, family in sorted(wire.FAMILIES.items()):
        if family in FLATTENINGS:
            optional = int(number in wire.OPTIONAL)
            yield f"    {{{number:#x}UL, {family.__name__}_structures, {optional}}},\n"
    yield "};\n"


def _name(flattening: Flattening) -> str:
    return re.sub(r"\W+", "_", flattening.structure.removeprefix("CK_").lower())


def _structures(family: type[wire.Parameters], flattenings: tuple[Flattening, ...]) -> str:
    rows = "".join(
        f"    {{sizeof({one.structure}), {len(one.members)}, {_name(one)}_members}},\n"
        for one in flattenings
    )
    return f"static const structure_t {family.__name__}_structures[] = {{\n{rows}    {{0}},\n}};\n"


def _member(standard: Standard, structure: str, member: Member, kind: int) -> str:
    if isinstance(member, tuple):
        pointer, length = member
        length, _, unit = length.removesuffix("*").partition("/")
        what = "REST" if kind == REST else "STRING"
        place = _Place.of(standard, structure, pointer)
        behind = _Place.of(standard, structure, length)
        bits = ", .counts_bits = 1" if unit else ""
        either = ", .may_point = 1" if member[1].endswith("*") else ""
        where = f"{place.offset()}, .length = {behind.offset()}{place.through}"
        return f"{{{what}, {where}{bits}{either}}}"
    what = "NUMBER" if kind == NUMBER else "ARRAY"
    if not member:
        return f"{{{what}, 0, .size = sizeof({structure})}}"
    place = _Place.of(standard, structure, member)
    return f"{{{what}, {place.offset()}, .size = {place.size()}{place.through}}}"


class _Place(NamedTuple):
    """A member of a structure; behind a pointer also where the pointer is."""

    structure: str
    member: str
    through: str

    @classmethod
    def of(cls, standard: Standard, structure: str, path: str) -> Self:
        first, arrow, rest = path.partition("->")
        if not arrow:
            return cls(structure, first, "")
        fields = {field.name: field.type for field in standard.structures[structure]}
        inner = fields[first].removeprefix("struct ").rstrip(" *")
        return cls(inner, rest, f", .through = 1 + offsetof({structure}, {first})")

    def offset(self) -> str:
        return f"offsetof({self.structure}, {self.member})"

    def size(self) -> str:
        return f"sizeof((({self.structure} *)0)->{self.member})"
