"""The functions of the standard, a file per chapter."""
