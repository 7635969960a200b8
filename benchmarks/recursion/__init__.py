"""The second engine: the simulated machine in C, with the same records to the byte.

`sources` says in data what the clients ask for, `engine` runs them, `tables` turns a machine into
the kernel's figures. The C files mirror the Python model part by part; `build` compiles them.
"""
