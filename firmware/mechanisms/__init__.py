"""Mechanism families, one file each with a `register(table)`; this is the list of them."""

from ghostcard.firmware.mechanisms import (
    aes,
    aes_ctr,
    aes_gcm,
    aes_keywrap,
    digest,
    ecdh,
    ecdsa,
    eddsa,
    hmac,
    mldsa,
    mlkem,
    rsa_oaep,
    rsa_pkcs1,
    rsa_pss,
    secret,
    slhdsa,
)
from ghostcard.firmware.mechanisms.table import Table

FAMILIES = (
    rsa_pkcs1,
    rsa_pss,
    rsa_oaep,
    ecdsa,
    ecdh,
    eddsa,
    aes,
    aes_ctr,
    aes_gcm,
    aes_keywrap,
    secret,
    digest,
    hmac,
    mlkem,
    mldsa,
    slhdsa,
)


def all_mechanisms() -> Table:
    """A table with every family in it, none tested yet."""
    table = Table()
    for family in FAMILIES:
        family.register(table)
    return table
