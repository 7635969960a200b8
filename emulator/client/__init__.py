"""The bus for drivers in C: `libghostcard-ap.so` and its header, a client of `ghostcard bus`."""
