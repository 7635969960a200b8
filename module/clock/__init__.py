"""The clock of a program in simulated time: a library that is loaded before all others."""
