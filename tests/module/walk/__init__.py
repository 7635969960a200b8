"""A walk of the function table: every function as it should be called, then with each thing wrong.

`shapes` reads the arguments of a function out of the standard as data; `recipes` says what makes it
succeed; `mistakes` makes the calls that are wrong, and says what they must answer; `host` calls the
real library, in a process of its own.
"""
