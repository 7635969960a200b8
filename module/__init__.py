"""The Cryptoki layer: slots, sessions, objects and the C entry points."""
