"""Profiles: what the built-in ones promise, and every refusal by the name of its key."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest
from hypothesis import given
from hypothesis import strategies as st

from ghostcard.emulator.errors import ProfileError
from ghostcard.emulator.profile import FirmwareProfile, Operation, Profile, bases, load, names

RSA = [f"rsa{b}" for b in (1024, 2048, 3072, 4096, 8192, 16384)]
HASHES = [
    *("sha1", "sha224", "sha256", "sha384", "sha512"),
    *("sha3-224", "sha3-256", "sha3-384", "sha3-512", "blake2b"),
]
AES_MODES = ["ecb", "cbc", "ctr", "gcm", "ccm", "ofb", "cfb", "cfb8", "cmac", "kw"]
CURVES = [
    *("p192", "p224", "p256", "p384", "p521"),
    *("secp256k1", "brainpool256", "brainpool384", "brainpool512"),
]
EP11_OPERATIONS = {
    *(
        f"{rsa}-{verb}"
        for rsa in RSA
        for verb in ("sign", "verify", "encrypt", "decrypt", "keygen")
    ),
    *(f"ecdsa-{curve}-{verb}" for curve in CURVES for verb in ("sign", "verify")),
    *(f"ecdh-{curve}" for curve in CURVES),
    *(f"ec-{curve}-keygen" for curve in CURVES),
    *(f"{name}-{verb}" for name in ("ed25519", "ed448") for verb in ("sign", "verify", "keygen")),
    *(f"{name}-{verb}" for name in ("x25519", "x448") for verb in ("derive", "keygen")),
    *(
        f"dsa{bits}-{verb}"
        for bits in (1024, 2048, 3072, 4096)
        for verb in ("sign", "verify", "keygen")
    ),
    *(f"dsa{bits}-paramgen" for bits in (1024, 2048, 3072)),
    *(
        f"dh{bits}-{verb}"
        for bits in (1024, 2048, 3072, 4096, 8192)
        for verb in ("derive", "keygen")
    ),
    "dh-paramgen",
    *(f"aes-{bits}-{mode}" for bits in (128, 192, 256) for mode in AES_MODES),
    *("aes-128-xts", "aes-256-xts", "chacha20", "chacha20-poly1305", "poly1305"),
    *(f"des3-{mode}" for mode in ("ecb", "cbc", "ofb", "cfb", "cfb8", "cmac")),
    *(
        f"mlkem{size}-{verb}"
        for size in (512, 768, 1024)
        for verb in ("keygen", "encapsulate", "decapsulate")
    ),
    *(
        f"{name}-{verb}"
        for name in (
            *("mldsa44", "mldsa65", "mldsa87"),
            *(
                f"slhdsa-{name}-{bits}{kind}"
                for name in ("sha2", "shake")
                for bits in (128, 192, 256)
                for kind in "sf"
            ),
        )
        for verb in ("keygen", "sign", "verify")
    ),
    *HASHES,
    *(f"hmac-{name}" for name in HASHES),
    *("aes-keygen", "secret-keygen", "random", "wrap", "unwrap", "derive", "query", "error"),
}
ACCELERATOR_OPERATIONS = {
    *(f"rsa{bits}-{kind}" for bits in (1024, 2048, 4096) for kind in ("me", "crt")),
    "error",
}

DEVICES = [
    *("aws-cloudhsm-classic", "azure-managed-hsm", "intel-qat", "mt7621-eip93"),
    *("thales-luna-a790", "ti-am65x-sa2ul", "ti-j7200-sa2ul", "ti-j721e-sa2ul"),
    *("tpm-infineon-slb9670", "tpm-jetson-orin-ftpm", "tpm-st33ktpm2xspi", "yubikey5-piv"),
]

SMALL = """
description = "a small card"
mode = "ep11"
hardware_type = { value = 14, source = "test" }
scale_us_per_unit = { value = 1, source = "test" }
[link]
latency_ns = { value = 10, source = "test" }
bytes_per_us = { value = 1000, source = "test" }
packet_bytes = { value = 256, source = "test" }
packet_overhead_ns = { value = 5, source = "test" }
[queue]
depth = { value = 8, source = "test" }
domains = { value = 16, source = "test" }
max_message_bytes = { value = 12288, source = "test" }
reset_ns = { value = 0, source = "test" }
interrupt_enable_ns = { value = 0, source = "test" }
[firmware]
operations = ["query"]
cores = { value = 2, source = "test" }
decode_ns = { value = 100, source = "test" }
decode_per_kib_ns = { value = 10, source = "test" }
unwrap_ns = { value = 50, source = "test" }
build_ns = { value = 20, source = "test" }
reply_builders = { value = 1, source = "test" }
[host]
submit_ns = { value = 1, source = "test" }
dequeue_ns = { value = 1, source = "test" }
interrupt_ns = { value = 1, source = "test" }
poll_ns = { value = 250000, source = "test" }
[engines.rsa]
count = { value = 3, source = "test" }
[engines.rsa.operations]
sign.rating = { value = 64, source = "ratings" }
verify.fixed_ns = { value = 700, source = "measured" }
verify.per_kib_ns = { value = 90, source = "fitted" }
[engines.hash]
count = { value = 1, source = "test" }
operations = { sha256 = { fixed_ns = { value = 5, source = "test" } } }
"""


@pytest.fixture
def read(tmp_path: Path) -> Callable[[str], Profile]:
    """Load a profile from its text."""

    def load_text(text: str) -> Profile:
        path = tmp_path / "small.toml"
        path.write_text(text)
        return load(str(path))

    return load_text


def test_the_profiles_there_are() -> None:
    generations = [f"cex{generation}{mode}" for generation in range(4, 9) for mode in "acp"]
    assert names() == sorted([*generations, *DEVICES, "null"])
    assert set(bases()) == {*names(), "_device"}


def test_a_profile_as_data(read: Callable[[str], Profile]) -> None:
    card = read(SMALL)
    assert (card.name, card.mode, card.hardware_type) == ("small", "ep11", 14)
    assert card.link == (10, 1000, 256, 5)
    assert card.queue == (8, 16, 12288, 0, 0)
    assert card.firmware == (2, 100, 10, 50, 20, 1, "fifo", (), ())
    assert card.host == (1, 1, 1, 250000, 1, 0)
    assert card.engines == (("rsa", 3, None), ("hash", 1, None))
    assert card.operations == {
        "query": Operation("", 0, 0),
        "sign": Operation("rsa", 192_000, 0),  # 64 us at saturation, 3 engines
        "verify": Operation("rsa", 700, 90),
        "sha256": Operation("hash", 5, 0),
    }
    assert card.sources["engines.rsa.operations.verify.per_kib_ns"] == "fitted"
    assert card.sources["link.latency_ns"] == "test"
    assert len(card.sources) == 27


def test_the_scale_multiplies_ratings_alone(read: Callable[[str], Profile]) -> None:
    card = read(
        SMALL.replace("scale_us_per_unit = { value = 1,", "scale_us_per_unit = { value = 0.5,")
    )
    assert card.operations["sign"].fixed_ns == 96_000
    assert card.operations["verify"].fixed_ns == 700


@pytest.mark.parametrize("name", names())
def test_every_figure_has_a_source(name: str) -> None:
    card = load(name)
    assert card.name == name
    assert {"link.latency_ns", "host.poll_ns", "scale_us_per_unit"} < card.sources.keys()
    assert len(card.sources) >= len(card.operations) + 20
    assert all(len(source) > 5 for source in card.sources.values())


@pytest.mark.parametrize("name", ["cex8p", "null"])
def test_an_ep11_profile_has_every_operation(name: str) -> None:
    assert load(name).operations.keys() == EP11_OPERATIONS


def test_the_accelerator_has_the_six_sizes_of_the_ratings() -> None:
    """AP sheet 4.6, CEX8, mode A, in the order ME 1K 2K 4K, CRT 1K 2K 4K; five engines."""
    card = load("cex8a")
    assert card.operations.keys() == ACCELERATOR_OPERATIONS
    assert card.mode == "accelerator"
    times = [
        card.operations[f"rsa{bits}-{kind}"].fixed_ns
        for kind in ("me", "crt")
        for bits in (1024, 2048, 4096)
    ]
    assert times == [rating * 5 * 1000 for rating in (6, 8, 17, 15, 54, 362)]


def test_the_default_card_keeps_the_ratios_of_the_ratings() -> None:
    """AP sheet 4.6, CEX8: mode C for RSA (mode P has no figure), SECKEY of mode P for the rest."""
    operations = load("cex8p").operations
    signing = [operations[f"{rsa}-sign"].fixed_ns // 5000 for rsa in RSA[:4]]
    verifying = [operations[f"{rsa}-verify"].fixed_ns // 5000 for rsa in RSA[:4]]
    assert (signing, verifying) == ([23, 64, 180, 376], [14, 16, 21, 26])
    assert operations["aes-256-gcm"] == Operation("symmetric", 16_000, 1000)


def test_nothing_takes_time_on_the_null_card() -> None:
    card = load("null")
    assert set(card.operations.values()) == {
        Operation(pool, 0, 0) for pool in ("", "rsa", "ec", "quantum-safe", "symmetric", "random")
    }
    assert card.firmware == (1, 0, 0, 0, 0, 1, "fifo", (), ())
    assert (card.link.latency_ns, card.link.packet_overhead_ns) == (0, 0)
    assert card.queue.max_message_bytes * 2000 < card.link.bytes_per_us


@given(st.integers(0, 10**6), st.integers(0, 10**6), st.integers(0, 10**5))
def test_the_part_per_kib_is_rounded_to_the_nearest(fixed: int, per_kib: int, size: int) -> None:
    exact = per_kib * size / 1024
    assert abs(Operation("x", fixed, per_kib).service_ns(size) - fixed - exact) <= 0.5
    firmware = FirmwareProfile(1, fixed, per_kib, 0, 0, 1)
    assert firmware.decode_time_ns(size) == Operation("x", fixed, per_kib).service_ns(size)


FIGURE = '{ value = .*, source = "where it comes from" }'


@pytest.mark.parametrize(
    ("old", "new", "complaint"),
    [
        ('mode = "ep11"', 'mode = "turbo"', r"mode: got 'turbo', expected one of ep11, accel"),
        ('description = "a small card"', "", "description: missing, expected a text"),
        ('description = "a small card"', 'description = ""', "description: got '', expected a t"),
        (
            "[link]",
            "colour = 1\n[link]",
            "colour: got 1, expected no such key here; there are .*ho",
        ),
        ("[host]", "[host]\nspeed_ns = 1", "host.speed_ns: got 1, expected no such key here"),
        ("[link]", "[links]", "link: missing, expected a table"),
        (
            "latency_ns = { value = 10, ",
            "latency_ns = { value = -1, ",
            r"link.latency_ns.value: got -1, expected a whole number from 0 to",
        ),
        ("{ value = 10, ", "{ value = 1.5, ", r"link.latency_ns.value: got 1\.5, expected a whole"),
        ("{ value = 10, ", "{ value = true, ", "link.latency_ns.value: got True, expected a whole"),
        ("{ value = 10, ", '{ value = "10", ', "link.latency_ns.value: got '10', expected a wh"),
        ("{ value = 10, ", "{ ", "link.latency_ns.value: missing"),
        (', source = "test" }\nbytes', " }\nbytes", "link.latency_ns.source: missing, expected a"),
        (
            "latency_ns = { value = 10, source",
            "latency_ns = { value = 10, unit = 1, source",
            "link.latency_ns.unit: got 1, expected no such key here; there are source, value",
        ),
        ('{ value = 10, source = "test" }', "10", f"link.latency_ns: got 10, expected {FIGURE}"),
        (
            "bytes_per_us = { value = 1000",
            "bytes_per_us = { value = 0",
            "bytes_per_us.value: got 0",
        ),
        ("depth = { value = 8", "depth = { value = 17", "queue.depth.value: got 17, .* 1 to 16"),
        ("depth = { value = 8", "depth = { value = 0", "queue.depth.value: got 0"),
        ("value = 16,", "value = 257,", "queue.domains.value: got 257, .* from 1 to 256"),
        (
            "value = 12288",
            "value = 12289",
            "max_message_bytes.value: got 12289, .* multiple of 409",
        ),
        ("value = 12288", "value = 65536", "max_message_bytes.value: got 65536, .* 4096 to 61440"),
        ("cores = { value = 2", "cores = { value = 0", "firmware.cores.value: got 0, .* from 1"),
        ("poll_ns = { value = 250000", "poll_ns = { value = 0", "host.poll_ns.value: got 0"),
        ("value = 14", "value = 9", "hardware_type.value: got 9, expected .* from 10 to 14"),
        ("count = { value = 3", "count = { value = 0", "engines.rsa.count.value: got 0, .* from 1"),
        ("{ value = 64,", "{ value = 0,", "engines.rsa.operations.sign.rating.value: got 0"),
        ("{ value = 64,", "{ value = nan,", "sign.rating.value: got nan, expected a number above"),
        ("{ value = 64,", "{ value = 1e300,", "sign.rating.value: got .*, expected at most"),
        ("scale_us_per_unit = { value = 1", "scale_us_per_unit = { value = -1", "scale_us_per_un"),
        (
            "sign.rating",
            "sign.fixed_ns = { value = 1, source = 'x' }\nsign.rating",
            "sign.fixed_ns: got .*, expected no such key here; there are distribution, per_",
        ),
        (
            "sha256 =",
            "sign =",
            r"engines\.hash\.operations\.sign: got 'sign', .* not yet in engines\.rsa\.operations",
        ),
        (
            "sha256 =",
            "query =",
            r"engines\.hash\.operations\.query: .* not yet in firmware\.operations",
        ),
        ('["query"]', '["query", "query"]', r"firmware\.operations: got 'query', expected an op"),
        ('["query"]', '"query"', r"firmware\.operations: got 'query', expected a list of names"),
        ('["query"]', '["Query me"]', r"firmware\.operations: got \['Query me'\], expected a list"),
        ("[engines.hash]", "[engines.Hash]", r"engines\.Hash: got 'Hash', expected a name of low"),
        ("sha256 =", '"SHA 256" =', r"operations\.SHA 256: got 'SHA 256', expected a name of low"),
        (
            'operations = { sha256 = { fixed_ns = { value = 5, source = "test" } } }',
            "operations = {}",
            r"engines\.hash\.operations: got \{\}, expected at least one operation",
        ),
        (
            "[engines.hash]",
            "[engines.hash]\nspeed = 2",
            r"engines\.hash\.speed: got 2, expected no",
        ),
    ],
)
def test_a_wrong_key_is_named(
    read: Callable[[str], Profile], old: str, new: str, complaint: str
) -> None:
    assert SMALL.count(old) >= 1
    with pytest.raises(ProfileError, match=rf"^profile small: .*{complaint}"):
        read(SMALL.replace(old, new, 1))


def test_a_card_without_engines_is_refused(read: Callable[[str], Profile]) -> None:
    text = SMALL[: SMALL.index("[engines.rsa]")] + "[engines]\n"
    with pytest.raises(ProfileError, match=r"engines: got \{\}, expected at least one pool"):
        read(text)


def test_what_is_no_toml_is_refused(read: Callable[[str], Profile], tmp_path: Path) -> None:
    with pytest.raises(ProfileError, match=r"small\.toml: not TOML: .*line 1"):
        read("= 3")
    (tmp_path / "latin.toml").write_bytes(b'description = "\xff"')
    with pytest.raises(ProfileError, match=r"latin\.toml: not TOML"):
        load(str(tmp_path / "latin.toml"))


def test_what_is_not_there_is_refused(tmp_path: Path) -> None:
    with pytest.raises(
        ProfileError, match=r"no profile 'cex9'; there are aws-cloudhsm-classic, azure-.*, null, "
    ):
        load("cex9")
    with pytest.raises(ProfileError, match=r"none\.toml: No such file"):
        load(str(tmp_path / "none.toml"))
    with pytest.raises(ProfileError, match="Is a directory"):
        load(f"{tmp_path}/")


@given(
    st.recursive(
        st.none() | st.booleans() | st.integers() | st.floats() | st.text(max_size=5),
        lambda inner: (
            st.lists(inner, max_size=3) | st.dictionaries(st.text(max_size=5), inner, max_size=3)
        ),
        max_leaves=8,
    ),
    st.sampled_from(["mode", "link", "queue", "firmware", "host", "engines", "hardware_type"]),
)
def test_any_value_anywhere_is_refused_with_a_profile_error(value: object, key: str) -> None:
    import tomllib

    from ghostcard.emulator.profile_reader import read_profile

    document = tomllib.loads(SMALL)
    document[key] = value
    with pytest.raises(ProfileError, match=rf"profile any: .*{key}"):
        read_profile("any", document)
