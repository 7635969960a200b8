"""Exercises with the key pairs of a KEM: generation, encapsulation, decapsulation."""

from ghostcard import pkcs11 as p
from ghostcard.driver.ep11 import Ep11Host
from ghostcard.driver.exercise import CHECKSUM, Exercise, Material, NoPayload, Sizes, ulong
from ghostcard.driver.pair_exercises import GeneratePair, Pair
from ghostcard.firmware.abi import mechanism as wire
from ghostcard.firmware.abi.blob import blob_bytes
from ghostcard.firmware.abi.parameter_sets import ML_KEM, SHARED_SECRET, ParameterSet

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


def exercises() -> dict[str, Exercise]:
    """By name of the operation."""
    table: dict[str, Exercise] = {}
    for chosen in ML_KEM:
        public = {p.CKA_PARAMETER_SET: ulong(chosen.number)}
        keygen = wire.pack(p.CKM_ML_KEM_KEY_PAIR_GEN)
        pair = Pair(keygen, public, chosen.key_type, chosen.public)
        table[f"{chosen.name}-keygen"] = GeneratePair(pair)
        table[f"{chosen.name}-encapsulate"] = Encapsulate(pair, chosen)
        table[f"{chosen.name}-decapsulate"] = Decapsulate(pair, chosen)
    return table
