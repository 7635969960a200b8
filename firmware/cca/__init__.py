"""The CCA coprocessor image: what the Linux kernel itself asks of such a card."""
