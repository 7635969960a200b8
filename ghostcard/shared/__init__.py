"""A card that several processes share: the server that holds it, and what a program has instead."""
