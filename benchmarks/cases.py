"""What `ghostcard bench` measures: five operations, each with the payload of one call."""

from typing import NamedTuple

CLIENTS = (1, 2, 4, 8, 16, 32, 64)
THREADS = (1, 2)


class Case(NamedTuple):
    """One measured operation.

    `operation` is the name that the profile, the request records and benchmarks/client.c know;
    `payload` the bytes one call hands to the card (to sign: a DigestInfo or a digest, as TLS does).
    """

    title: str
    operation: str
    payload: int


CASES = (
    Case("RSA-2048 sign", "rsa2048-sign", 51),
    Case("RSA-4096 sign", "rsa4096-sign", 51),
    Case("P-256 sign", "ecdsa-p256-sign", 32),
    Case("AES-256-GCM 1 KiB", "aes-256-gcm", 1024),
    Case("SHA-256 1 KiB", "sha256", 1024),
)


def case(operation: str) -> Case:
    """The case of an operation name; KeyError when there is none."""
    return {case.operation: case for case in CASES}[operation]
