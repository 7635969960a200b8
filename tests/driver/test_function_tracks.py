"""Sizes only, zeros or real cryptography: the records are the same bytes (docs/design.md, 3)."""

import pytest

from ghostcard.benchmarks.closed_loop import ClosedLoop, Work
from ghostcard.driver import shapes
from ghostcard.machine import Machine

EP11 = (
    ("rsa2048-sign", 51),
    ("rsa2048-verify", 51),
    ("rsa1024-decrypt", 128),
    ("ecdsa-p256-sign", 32),
    ("ecdh-p384", 0),
    ("ec-p256-keygen", 0),
    ("aes-256-gcm", 1000),
    ("aes-keygen", 0),
    ("aes-192-ccm", 33),
    ("aes-256-xts", 100),
    ("des3-cmac", 7),
    ("chacha20-poly1305", 300),
    ("sha256", 1024),
    ("sha3-512", 1024),
    ("hmac-sha1", 10),
    ("random", 100),
    ("mlkem768-keygen", 0),
    ("mlkem1024-encapsulate", 0),
    ("mlkem512-decapsulate", 0),
    ("mldsa65-sign", 100),
    ("mldsa44-verify", 33),
    ("slhdsa-sha2-128f-sign", 20),
    ("wrap", 48),
    ("unwrap", 48),
    ("query", 0),
)
CCA = (
    ("rsa1024-me", 128),
    ("rsa2048-crt", 256),
    ("random", 4096),
    ("aes-keygen", 0),
    ("key-import", 32),
    ("query", 0),
)
ACCELERATOR = (("rsa1024-me", 128), ("rsa2048-crt", 256), ("rsa4096-me", 512))


def records(profile: str, operations: tuple[tuple[str, int], ...], function: str) -> bytes:
    """What five clients that mix the operations leave behind."""
    machine = Machine.simulation(profile, function="real" if function == "real" else "null", seed=3)
    work = []
    for operation, payload in operations:
        render = None
        if function != "off":
            targets = machine.targets(0)
            mode = machine.bus.cards[0].profile.mode
            _, render = shapes.renderer(operation, payload, machine.native, targets, mode)
        shape = shapes.shape(operation, payload, machine.bus.cards[0].profile.mode)
        work.append(Work(operation, payload, *shape, render))
    machine.after_fork()  # what the making of keys recorded is not part of it
    loop = ClosedLoop(machine.simulated(), machine.targets(0), work, clients=5, requests=30, seed=9)
    loop.run()
    return machine.recorder.to_bytes()


@pytest.mark.parametrize(
    ("profile", "operations"),
    [("cex8p", EP11), ("cex8a", ACCELERATOR), ("cex8c", CCA)],
    ids=["ep11", "accelerator", "cca"],
)
def test_the_three_tracks_leave_the_same_records(
    profile: str, operations: tuple[tuple[str, int], ...]
) -> None:
    off = records(profile, operations, "off")
    assert len(off) > 5 * 30 * 100
    assert records(profile, operations, "null") == off
    assert records(profile, operations, "real") == off
