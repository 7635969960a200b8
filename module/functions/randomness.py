"""Random number generation (PKCS #11 3.2, 5.19)."""

from ghostcard.module.functions.chapter import Chapter, ask


class Randomness(Chapter):
    """C_SeedRandom, C_GenerateRandom."""

    def seed_random(self, session: int, data: bytes) -> None:
        """Mix data into the random source of every card of the slot; it makes none easier to
        foretell.
        """
        active = self._session(session)
        ask(active, lambda: active.slot.seed_random(data))

    def generate_random(self, session: int, length: int) -> bytes:
        """Bytes of the card's random source; long ones take several requests."""
        active = self._session(session)
        return ask(active, lambda: active.slot.host.generate_random(length))
