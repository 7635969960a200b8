"""How libghostcard.so is built: cffi's embedding code, the C files here, and what is generated."""

import os
import sys
import sysconfig
from pathlib import Path

from cffi import FFI  # type: ignore[import-untyped]
from setuptools import Extension  # type: ignore[import-untyped]

from ghostcard.module import declarations, flattening

HERE = Path("ghostcard") / "module"
"""Relative to the project, as setuptools wants it; the link `ghostcard/module` leads here."""
GENERATED = HERE / "generated"
CROSSINGS_C = GENERATED / "crossings.c"
STRUCTURES = (
    "CK_ATTRIBUTE",
    "CK_INFO",
    "CK_SLOT_INFO",
    "CK_TOKEN_INFO",
    "CK_MECHANISM_INFO",
    "CK_SESSION_INFO",
    "CK_ASYNC_DATA",
    "CK_HKDF_PARAMS",
    "CK_SP800_108_KDF_PARAMS",
    "CK_SP800_108_FEEDBACK_KDF_PARAMS",
    "CK_SP800_108_COUNTER_FORMAT",
    "CK_SP800_108_DKM_LENGTH_FORMAT",
    "CK_TLS12_MASTER_KEY_DERIVE_PARAMS",
    "CK_TLS12_EXTENDED_MASTER_KEY_DERIVE_PARAMS",
    "CK_TLS12_KEY_MAT_PARAMS",
)
"""The structures that Python reads or fills in by the names of their fields."""

PREAMBLE = """\
#include "library.h"

int crossings_start(void)
{
    return cffi_start_python();
}
"""
C_FOR_PYTHON = """\
typedef struct { const char *root; const char *site; const char *why; } place_t;
extern place_t place;
int interpreter_is_ours(void);
void interpreter_refuse(const char *why);
void complain_of(const char *what);
void fork_python_before(void);
void fork_python_after(void);
void library_exit(void);
int library_is_ending(void);
void think_start(int wanted);
long think_take(void);
void pace_pause(long until_ns);
int clock_begin(double think);
long clock_take(void);
void clock_tell(long cards_ns);
"""
FLAGS = ["-std=gnu11", "-O2", "-Wall", "-Wextra", "-Wno-unused-parameter", "-Wmissing-prototypes"]


def extension() -> Extension:
    """The library as setuptools builds it; writes what has to be generated first."""
    write_sources()
    sources = sorted(str(path) for path in HERE.glob("*.c"))
    return Extension(
        "ghostcard.module.libghostcard",
        sources=[*sources, str(GENERATED / "unsupported.c"), str(CROSSINGS_C)],
        depends=[
            *(str(path) for path in HERE.glob("*.h")),
            *(str(path) for path in GENERATED.glob("*.[hm]*")),
        ],
        include_dirs=[str(HERE)],
        libraries=[f"python{sysconfig.get_config_var('LDVERSION')}"],
        library_dirs=[sysconfig.get_config_var("LIBDIR")],
        extra_compile_args=FLAGS,
        extra_link_args=link_flags(),
    )


def link_flags() -> list[str]:
    """Only the standard's names go out; libpython is found whatever LD_LIBRARY_PATH says."""
    return [
        f"-Wl,--version-script={GENERATED / 'exports.map'}",
        f"-Wl,-rpath,{sysconfig.get_config_var('LIBDIR')}",
        "-Wl,--disable-new-dtags",  # an RPATH, which comes before the environment's
        "-Wl,-z,nodelete",  # an interpreter cannot be unloaded
        "-Wl,-z,defs",
    ]


def write_sources() -> None:
    """Writes `module/generated/`."""
    declarations.write_c(GENERATED)
    declarations.write(GENERATED / "parameters.h", flattening.tables_c(declarations.load()))
    declarations.write(GENERATED / "environment.h", environment())
    builder().emit_c_code(str(CROSSINGS_C))


def builder() -> FFI:
    """cffi's view of the library: the crossings, and the few C functions that Python calls."""
    standard = declarations.load()
    ffi = FFI()
    ffi.cdef(
        declarations.types_c(standard)
        + declarations.structures_c(standard, STRUCTURES)
        + C_FOR_PYTHON
    )
    ffi.embedding_api((HERE / "crossings.h").read_text(encoding="utf-8"))
    ffi.set_source("_ghostcard", PREAMBLE)
    ffi.embedding_init_code((HERE / "startup.py").read_text(encoding="utf-8"))
    return ffi


def environment() -> str:
    """The Python that the library is built for, as C."""
    libpython = Path(sysconfig.get_config_var("LIBDIR")) / sysconfig.get_config_var("INSTSONAME")
    if not libpython.exists():
        raise FileNotFoundError(f"{libpython}: {sys.executable} has no shared library to link with")
    values = {
        "SONAME": libpython.name,
        "LIBPYTHON": os.path.realpath(libpython),
        "PREFIX": sys.base_prefix,
        "STDLIB": sysconfig.get_path("stdlib"),
        "DYNLOAD": sysconfig.get_config_var("DESTSHARED"),
        "SITE": sysconfig.get_path("purelib"),
    }
    return "".join(
        f'#define ENVIRONMENT_{name} "{escape(value)}"\n' for name, value in values.items()
    )


def escape(path: str) -> str:
    """The path inside a C string."""
    return path.replace("\\", "\\\\").replace('"', '\\"')
