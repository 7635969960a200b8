"""Ghostcard: a cryptographic adapter without the hardware."""

__version__ = "0.1.0"
