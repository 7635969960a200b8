"""A Python program that loads the library with ctypes: python_host.py LIBRARY CASE [COPY]."""

import atexit
import ctypes
import gc
import os
import signal
import subprocess
import sys
import threading
import time
import warnings

warnings.simplefilter("ignore", DeprecationWarning)  # os.fork() with threads, which is the test
CKR_OK, CKR_CRYPTOKI_NOT_INITIALIZED = 0, 0x190
path_before = list(sys.path)
modules_before = set(sys.modules)


def load(kind: type[ctypes.CDLL] = ctypes.CDLL) -> ctypes.CDLL:
    library = kind(sys.argv[1])
    functions = ctypes.c_void_p()
    for name in ("C_GetFunctionList", "C_Initialize", "C_Finalize", "C_DigestKey", "C_Logout"):
        getattr(library, name).restype = ctypes.c_ulong
    library.C_Logout.argtypes = [ctypes.c_ulong]
    library.C_DigestKey.argtypes = [ctypes.c_ulong, ctypes.c_ulong]
    rv = library.C_GetFunctionList(ctypes.byref(functions))
    if rv:
        print(hex(rv))
        sys.exit(0)
    return library


def sign(library: ctypes.CDLL) -> int:
    """A call that crosses, C_GetInfo; its return value."""
    library.C_GetInfo.restype = ctypes.c_ulong
    return int(library.C_GetInfo(ctypes.create_string_buffer(88)))


def expect(rv: int, wanted: int = CKR_OK) -> None:
    if rv != wanted:
        print(f"0x{rv:x}, not 0x{wanted:x}", file=sys.stderr)
        os._exit(99)


def initialized(kind: type[ctypes.CDLL] = ctypes.CDLL) -> ctypes.CDLL:
    library = load(kind)
    expect(library.C_Initialize(None))
    expect(sign(library))
    return library


def finalize(library: ctypes.CDLL) -> None:
    expect(library.C_Finalize(None))


def plain() -> None:
    finalize(initialized())


def holding_the_gil() -> None:
    """PyDLL keeps the GIL during its calls, as some extension modules do."""
    finalize(initialized(ctypes.PyDLL))


def finalize_holding_the_gil() -> None:
    """It waits for a call of another thread, which cannot return without the GIL."""
    library = initialized(ctypes.PyDLL)
    other = ctypes.CDLL(sys.argv[1])
    thread = hold(other)
    finalize(library)
    thread.join()


class Owner:
    """In a cycle, so that only a look for garbage finalizes it; its finalizer wants the lock."""

    def __init__(self, lock: threading.Lock) -> None:
        self.itself, self.lock = self, lock

    def __del__(self) -> None:
        expect(int(self.lock.locked()), 0)


def garbage() -> None:
    """It may wait for a lock that the program holds while it starts or ends the library."""
    library, lock = load(), threading.Lock()
    gc.collect()
    for call in (library.C_Initialize, library.C_Finalize):
        with lock:
            Owner(lock)
            expect(call(None))
        gc.collect()
    expect(int(gc.isenabled()), 1)


def surroundings() -> None:
    plain()
    added = [path for path in sys.path if path not in path_before]
    names = {"driver", "emulator", "firmware", "module", "benchmarks", "tests"}
    print(
        added == sys.path[len(path_before) :],
        len(added),
        names & (set(sys.modules) - modules_before),
    )
    print(signal.getsignal(signal.SIGINT) is signal.default_int_handler, sys.getswitchinterval())


def capsule() -> None:
    """cffi 2.1 would spin for ever on the version tag that an attribute look-up gives the type."""
    import datetime

    type(datetime.datetime_CAPI).__name__  # noqa: B018
    datetime.datetime_CAPI.__doc__  # noqa: B018
    plain()


def hold(library: ctypes.CDLL) -> threading.Thread:
    """A thread in a call that holds a lock and sleeps."""
    thread = threading.Thread(target=lambda: library.C_DigestKey(1, 200))
    thread.start()
    while library.C_Logout(1):
        time.sleep(0.001)
    return thread


def child(library: ctypes.CDLL) -> None:
    expect(sign(library), CKR_CRYPTOKI_NOT_INITIALIZED)
    expect(library.C_Initialize(None))
    expect(sign(library))
    thread = threading.Thread(target=lambda: expect(sign(library)))
    thread.start()
    thread.join()
    expect(library.C_Finalize(None))


def fork_by_python(library: ctypes.CDLL) -> None:
    pid = os.fork()
    if not pid:
        child(library)
        os._exit(0)
    expect(os.waitpid(pid, 0)[1])


def fork_by_c(library: ctypes.CDLL, libc: ctypes.CDLL) -> None:
    pid = libc.fork()
    if not pid:
        child(library)
        os._exit(0)
    expect(os.waitpid(pid, 0)[1])


def fork() -> None:
    library = initialized()
    for kind in (ctypes.CDLL, ctypes.PyDLL):
        fork_by_python(library)
        fork_by_c(library, kind(None))
    expect(sign(library))
    finalize(library)


def fork_under_threads() -> None:
    library = initialized()
    stop = threading.Event()

    def call() -> None:
        while not stop.is_set():
            expect(sign(library))

    threads = [threading.Thread(target=call) for _ in range(3)]
    for thread in threads:
        thread.start()
    for _ in range(10):
        fork_by_python(library)
        fork_by_c(library, ctypes.CDLL(None))
    stop.set()
    for thread in threads:
        thread.join()
    finalize(library)


def fork_under_lock() -> None:
    """The fork waits for the call of another thread that holds a lock of the plain layer."""
    library = initialized()
    thread = hold(library)
    fork_by_python(library)
    thread.join()


def processes() -> None:
    library = initialized()
    expect(subprocess.run(["/bin/true"]).returncode)
    expect(subprocess.run(["/bin/true"], start_new_session=True).returncode)
    expect(subprocess.run(["/bin/true"], preexec_fn=lambda: None).returncode)
    expect(sign(library))


def no_finalize() -> None:
    initialized()


def finalize_late() -> None:
    """A host whose own handler comes after ours."""
    late: list[ctypes.CDLL] = []

    def end() -> None:
        expect(sign(late[0]), CKR_CRYPTOKI_NOT_INITIALIZED)
        expect(late[0].C_Finalize(None))

    atexit.register(end)
    late.append(initialized())


class Last:
    """Deleted when the interpreter clears its modules."""

    def __init__(self) -> None:
        self.library = initialized()
        self.finalize = self.library.C_Finalize

    def __del__(self) -> None:
        self.finalize(None)


def finalize_in_del() -> None:
    globals()["last"] = Last()


def busy_threads() -> None:
    library = initialized()
    for _ in range(3):
        threading.Thread(target=lambda: [sign(library) for _ in iter(int, 1)], daemon=True).start()
    time.sleep(0.05)


def interrupted() -> None:
    """The signal's handler runs, and the call ends."""
    library = initialized()
    signal.setitimer(signal.ITIMER_REAL, 0.05)
    signal.signal(signal.SIGALRM, signal.default_int_handler)
    expect(library.C_DigestKey(1, 10000), 0x50)
    expect(sign(library))


def missing() -> None:
    """A part of the library that is loaded at its first use, and is not there any more."""
    library = initialized()
    library.C_DigestUpdate.restype = ctypes.c_ulong
    for _ in range(2):
        expect(library.C_DigestUpdate(ctypes.c_ulong(5), b"import", ctypes.c_ulong(6)), 0x5)


def second_copy() -> None:
    initialized()
    sys.argv[1] = sys.argv[3]
    load()


globals()[sys.argv[2]]()
