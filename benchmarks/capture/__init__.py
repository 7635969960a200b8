"""Captures of programs: their file, where they come from, and what they make of another machine."""
