"""Random number generation (PKCS #11 3.2, 5.19)."""

from ghostcard import pkcs11 as ck
from ghostcard.module.errors import CryptokiError
from ghostcard.module.functions.chapter import Chapter, ask


class Randomness(Chapter):
    """C_SeedRandom, C_GenerateRandom."""

    def seed_random(self, session: int, data: bytes) -> None:
        """The card has its own entropy and takes none (AP sheet 7.6):
        CKR_RANDOM_SEED_NOT_SUPPORTED.
        """
        self._session(session)
        raise CryptokiError(ck.CKR_RANDOM_SEED_NOT_SUPPORTED)

    def generate_random(self, session: int, length: int) -> bytes:
        """Bytes of the card's random source; long ones take several requests."""
        active = self._session(session)
        return ask(active, lambda: active.slot.host.generate_random(length))
