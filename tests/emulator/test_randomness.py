"""A seed gives the same bytes everywhere; none gives the operating system's."""

import hashlib
import os
import struct

import pytest

from ghostcard.emulator.randomness import RandomSource


def test_a_seed_gives_known_bytes() -> None:
    """The first outputs of MT19937 with `init_by_array([1])`: 577090037, 2444712010."""
    source = RandomSource(1)
    assert source.bytes(8) == struct.pack("<II", 577090037, 2444712010)
    assert source.bytes(0) == b""
    assert source.seed == 1


def test_one_stream_however_it_is_cut_at_words() -> None:
    whole, parts = RandomSource(7), RandomSource(7)
    assert whole.bytes(64) == b"".join(parts.bytes(4) for _ in range(16))


def test_seeds_differ() -> None:
    assert RandomSource(1).bytes(32) != RandomSource(2).bytes(32)


def test_without_a_seed_the_operating_system_is_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(os, "urandom", lambda count: b"\x5a" * count)
    assert RandomSource().bytes(48) == b"\x5a" * 48


def test_what_is_stirred_in_is_xored_onto_the_draw() -> None:
    """SHAKE-256 (FIPS 202) over what was stirred in, its first 64 bytes kept for the next time."""
    plain, stirred = RandomSource(3), RandomSource(3)
    stirred.stir(b"noise")
    pool = hashlib.shake_256(b"noise").digest(64)
    for count in (16, 1, 0, 100):
        stream = hashlib.shake_256(pool).digest(64 + count)
        pool = stream[:64]
        drawn = bytes(a ^ b for a, b in zip(plain.bytes(count), stream[64:], strict=True))
        assert stirred.bytes(count) == drawn
    stirred.stir(b"more")
    assert plain.bytes(16) != stirred.bytes(16)


def test_the_same_stirring_gives_the_same_bytes_of_a_seed_only() -> None:
    sources = [RandomSource(3), RandomSource(3), RandomSource(), RandomSource()]
    for source in sources:
        source.stir(b"the same")
    one, other, real, another = (source.bytes(32) for source in sources)
    assert one == other
    assert len({one, real, another}) == 3
