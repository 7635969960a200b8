"""The Python ends of the crossings (`module/crossings.h`): they know pointers, call plain Python.

`connect` is called once, by `module/startup.py`, in the process that has the library loaded.
"""

import atexit
import gc
import os
import sys
from typing import Any

from ghostcard.module.cryptoki import Cryptoki
from ghostcard.module.entries import (
    authenticated,
    completions,
    general,
    keys,
    messages,
    objects,
    operations,
    sessions,
)
from ghostcard.module.entries.edge import Edge


def connect(ffi: Any, lib: Any) -> None:
    """Gives every crossing its Python function; sees to forks and to the end of the interpreter.

    ImportError when the process has a second copy of the library: both would share this package.
    """
    if Edge.connected:
        raise ImportError("another copy of libghostcard.so runs in this process")
    Edge.connected = True
    edge = Edge(ffi, lib)
    cryptoki = Cryptoki()
    chapters = (
        *(general, sessions, objects, operations, messages, keys, authenticated),
        completions,
    )
    for chapter in chapters:
        chapter.connect(edge, cryptoki)
    os.register_at_fork(
        before=lib.fork_python_before,
        after_in_parent=lib.fork_python_after,
        after_in_child=lambda: start_anew(edge, cryptoki),
    )
    if lib.interpreter_is_ours():
        sys.setswitchinterval(1e-4)  # seconds; no thread waits long for the GIL
        gc.freeze()  # what has been loaded stays: it need not be looked through again
    else:
        atexit.register(lib.library_exit)


def start_anew(edge: Edge, cryptoki: Cryptoki) -> None:
    """In the child of a fork: nothing of the parent's state is used again."""
    try:
        cryptoki.after_fork()
    except Exception as error:
        edge.complain(f"after fork(): {error}")
    edge.lib.fork_python_after()
