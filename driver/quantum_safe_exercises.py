"""Exercises with post-quantum key pairs: generation, encapsulation, decapsulation, signatures."""

from ghostcard import pkcs11 as p
from ghostcard.driver.ep11 import Ep11Host
from ghostcard.driver.exercise import CHECKSUM, Exercise, Material, NoPayload, Sizes, ulong
from ghostcard.driver.pair_exercises import GeneratePair, Pair, PairSign, PairVerify
from ghostcard.firmware.abi import mechanism as wire
from ghostcard.firmware.abi.blob import blob_bytes
from ghostcard.firmware.abi.parameter_sets import (
    ML_DSA,
    ML_KEM,
    SHARED_SECRET,
    SLH_DSA,
    ParameterSet,
)
from ghostcard.firmware.abi.parameters import Raw

SHARED = (blob_bytes(p.CKK_GENERIC_SECRET, SHARED_SECRET), CHECKSUM)
MECHANISM = wire.pack(p.CKM_ML_KEM)


class Encapsulate(NoPayload):
    """Encapsulate with a public key."""

    def __init__(self, pair: Pair, chosen: ParameterSet) -> None:
        self.pair = pair
        self.chosen = chosen

    def material(self, host: Ep11Host, payload: int) -> Material:
        return self.pair.generate(host, p.CKA_DECAPSULATE)

    def material_bytes(self, payload: int) -> Sizes:
        return self.pair.sizes

    def ask(self, host: Ep11Host, material: Material, payload: int) -> None:
        host.encapsulate(MECHANISM, {}, material[1])

    def reply_bytes(self, payload: int) -> Sizes:
        return *SHARED, self.chosen.output


class Decapsulate(Encapsulate):
    """Decapsulate with the private key."""

    def material(self, host: Ep11Host, payload: int) -> Material:
        blob, spki = self.pair.generate(host, p.CKA_DECAPSULATE)
        return blob, spki, host.encapsulate(MECHANISM, {}, spki)[2]

    def material_bytes(self, payload: int) -> Sizes:
        return *self.pair.sizes, self.chosen.output

    def ask(self, host: Ep11Host, material: Material, payload: int) -> None:
        host.decapsulate(MECHANISM, {}, material[0], material[2])

    def reply_bytes(self, payload: int) -> Sizes:
        return SHARED


def _pair(chosen: ParameterSet, keygen: int) -> Pair:
    public = {p.CKA_PARAMETER_SET: ulong(chosen.number)}
    return Pair(wire.pack(keygen), public, chosen.key_type, chosen.public)


def exercises() -> dict[str, Exercise]:
    """By name of the operation."""
    table: dict[str, Exercise] = {}
    for chosen in ML_KEM:
        pair = _pair(chosen, p.CKM_ML_KEM_KEY_PAIR_GEN)
        table[f"{chosen.name}-keygen"] = GeneratePair(pair)
        table[f"{chosen.name}-encapsulate"] = Encapsulate(pair, chosen)
        table[f"{chosen.name}-decapsulate"] = Decapsulate(pair, chosen)
    for sets, keygen, number in (
        (ML_DSA, p.CKM_ML_DSA_KEY_PAIR_GEN, p.CKM_ML_DSA),
        (SLH_DSA, p.CKM_SLH_DSA_KEY_PAIR_GEN, p.CKM_SLH_DSA),
    ):
        for chosen in sets:
            pair, mechanism = _pair(chosen, keygen), wire.pack(number, Raw())
            table[f"{chosen.name}-keygen"] = GeneratePair(pair)
            table[f"{chosen.name}-sign"] = PairSign(pair, mechanism, chosen.output)
            table[f"{chosen.name}-verify"] = PairVerify(pair, mechanism, chosen.output)
    return table
