"""Mechanism families, one file each with a `register(table)`; this is the list of them."""

from ghostcard.firmware.mechanisms import (
    aes,
    aes_ccm,
    aes_ctr,
    aes_cts,
    aes_gcm,
    aes_gmac,
    aes_keywrap,
    aes_xcbc,
    aes_xts,
    cbc_mac,
    chacha20,
    chacha20_poly1305,
    cmac,
    des3,
    dh,
    digest,
    dsa,
    ecdh,
    ecdsa,
    eddsa,
    feedback,
    hmac,
    hybrid_wrap,
    mldsa,
    mlkem,
    poly1305,
    pubkey,
    rsa_oaep,
    rsa_pkcs1,
    rsa_pss,
    rsa_raw,
    secret,
    slhdsa,
)
from ghostcard.firmware.mechanisms.table import Table

FAMILIES = (
    rsa_pkcs1,
    rsa_pss,
    rsa_oaep,
    rsa_raw,
    ecdsa,
    ecdh,
    eddsa,
    hybrid_wrap,
    dsa,
    dh,
    pubkey,
    aes,
    aes_ctr,
    aes_gcm,
    aes_ccm,
    aes_gmac,
    aes_cts,
    aes_xts,
    feedback,
    aes_keywrap,
    des3,
    cmac,
    cbc_mac,
    aes_xcbc,
    chacha20,
    chacha20_poly1305,
    poly1305,
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
