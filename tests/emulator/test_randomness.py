"""A seed gives the same bytes everywhere; none gives the operating system's."""

import os
import struct

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


def test_without_a_seed_the_operating_system_is_asked() -> None:
    source = RandomSource()
    assert source.bytes is os.urandom
    assert len(source.bytes(48)) == 48
