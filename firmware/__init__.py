"""The images that run on a card."""
