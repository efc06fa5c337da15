"""Completes the toolchain in the folder of this file, with what pip installed in its folder `site`.

The only argument is the folder of componentize-py's package, whose binary contains the guest's libraries and the
configuration of the guest's CPython, compressed with Zstandard.
"""

import io
import itertools
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import zstandard

TOOLS = Path(__file__).resolve().parent
ZIG = TOOLS / "site/ziglang/zig"
SOURCES = TOOLS / "site/ziglang/lib"
HEADERS = TOOLS / "site/wasmpy_build/include/cp314"
FRAME = b"\x28\xb5\x2f\xfd"
CONFIGURATION = re.compile(r"_?(HAVE|SIZEOF|ALIGNOF|WITH|ENABLE|Py|PY|DOUBLE|PTHREAD|USE|STDC|POSIX)_|Py_?")

# The sources of the C++ runtime, without those for threads and file systems. `exceptions.cpp` replaces one of them.
CXXABI = """cxa_aux_runtime cxa_demangle cxa_exception cxa_exception_storage cxa_guard cxa_handlers cxa_personality
cxa_vector cxa_virtual fallback_malloc private_typeinfo stdlib_exception stdlib_new_delete stdlib_stdexcept
stdlib_typeinfo abort_message"""
CXX = """algorithm any bind call_once charconv chrono error_category exception expected fstream functional hash ios
ios.instantiations iostream locale memory memory_resource new new_helpers optional ostream print random random_shuffle
regex ryu/d2fixed ryu/d2s ryu/f2s stdexcept string strstream system_error typeinfo valarray variant vector
verbose_abort"""

# What CPython's `configure` sets outside of the variables that it records.
ADDED = """#define RETSIGTYPE void
#define _GNU_SOURCE 1
#define _POSIX_C_SOURCE 200809L
#define _XOPEN_SOURCE 700
#define _Py_STACK_GROWS_DOWN 1
"""


def frames(data):
    """Yields the contents of the Zstandard frames in `data`."""
    at = data.find(FRAME)
    while at >= 0:
        decoder = zstandard.ZstdDecompressor().decompressobj()
        try:
            contents = decoder.decompress(data[at:])
        except zstandard.ZstdError:
            contents = b""
        at = data.find(FRAME, at + 4)
        if decoder.eof and contents:
            yield contents


def number(data, at):
    """Returns the LEB128 number at a place, and the place after it."""
    value = shift = 0
    while True:
        byte = data[at]
        at += 1
        value |= (byte & 127) << shift
        shift += 7
        if byte < 128:
            return value, at


def module_name(data):
    """Returns a module's name from its section of names, or an empty string."""
    at = 8
    while at < len(data):
        kind = data[at]
        size, start = number(data, at + 1)
        if kind == 0:
            length, begin = number(data, start)
            if data[begin : begin + length] == b"name" and data[begin + length] == 0:
                _, begin = number(data, begin + length + 1)
                length, begin = number(data, begin)
                return data[begin : begin + length].decode()
        at = start + size
    return ""


def extract(package):
    """Writes the guest's shared libraries to `lib`, and the variables of its `sysconfig` to `sysconfig`."""
    (TOOLS / "lib").mkdir()
    (TOOLS / "sysconfig").mkdir()
    for binary in sorted(package.glob("*.so")) + sorted(package.glob("*.pyd")):
        for contents in frames(binary.read_bytes()):
            if contents.startswith(b"\0asm"):
                name = module_name(contents)
                if re.fullmatch(r"lib[\w.+-]+\.so", name):
                    (TOOLS / "lib" / name).write_bytes(contents)
            elif contents[257:262] == b"ustar":
                archive = tarfile.open(fileobj=io.BytesIO(contents))
                for member in archive:
                    if Path(member.name).name.startswith("_sysconfig"):
                        file = archive.extractfile(member)
                        (TOOLS / "sysconfig" / Path(member.name).name).write_bytes(file.read())


def configure():
    """Copies CPython's headers, and replaces `pyconfig.h` by that of the guest."""
    shutil.copytree(HEADERS, TOOLS / "include")
    (TOOLS / "replaced").mkdir()
    for name in ("fenv.h", "no_threads.h"):
        (TOOLS / name).rename(TOOLS / "replaced" / name)
    for name in ("condition_variable", "mutex", "thread"):
        (TOOLS / "replaced" / name).write_text(f'#pragma once\n#include_next <{name}>\n#include "no_threads.h"\n')
    (found,) = (TOOLS / "sysconfig").glob("_sysconfigdata_*.py")
    scope = {}
    exec(found.read_text(), scope)
    lines = [
        f"#define {name} {value}\n"
        for name, value in sorted(scope["build_time_vars"].items())
        if CONFIGURATION.match(name) and isinstance(value, int) and value
    ]
    (TOOLS / "include/pyconfig.h").write_text("#pragma once\n" + "".join(lines) + ADDED)


def program(name, text):
    path = TOOLS / "bin" / name
    path.write_text(f"#!/bin/sh\n{text}\n")
    path.chmod(0o755)


def install_programs():
    """Writes the programs that build systems call. They find their folder themselves, because it is renamed later."""
    (TOOLS / "bin").mkdir()
    python = 'exec "$TOOLCHAIN_PYTHON"'
    folder = '"$(dirname "$0")/.."'
    program("cc", f'{python} {folder}/compiler.py cc "$@"')
    program("c++", f'{python} {folder}/compiler.py c++ "$@"')
    program("python", f'{python} {folder}/python.py "$@"')
    program("cython", f'{python} -m cython "$@"')
    program("pybind11-config", f'{python} -m pybind11 "$@"')
    program("ar", 'exec "$TOOLCHAIN_ZIG" ar "$@"')


def run(*command):
    subprocess.run([str(part) for part in command], check=True)


def runtime_sources():
    """Yields the sources of the library that is linked into each module, with the compiler and its options."""
    cxx, abi = SOURCES / "libcxx", SOURCES / "libcxxabi"
    unwinder = ["-I", SOURCES / "libunwind/include"]
    options = [
        "-std=c++23", "-DNDEBUG", "-D_LIBCPP_BUILDING_LIBRARY", "-DLIBCXX_BUILDING_LIBCXXABI",
        "-D_LIBCXXABI_HAS_NO_THREADS", "-I", cxx / "src", "-I", cxx / "libc", "-I", abi / "src", *unwinder,
    ]  # fmt: skip
    for name in CXXABI.split():
        yield "c++", abi / f"src/{name}.cpp", options
    for name in CXX.split():
        yield "c++", cxx / f"src/{name}.cpp", options
    yield "c++", TOOLS / "exceptions.cpp", options
    unwinder += ["-D__WASM_EXCEPTIONS__", "-D_LIBUNWIND_HIDE_SYMBOLS"]
    yield "cc", SOURCES / "libunwind/src/Unwind-wasm.c", unwinder
    yield "cc", TOOLS / "setjmp.c", ["-I", SOURCES / "libc/wasi"]
    yield "cc", TOOLS / "blas.c", ["-O3", "-msimd128"]
    yield "cc", TOOLS / "lapack.c", ["-O3", "-msimd128"]


# The functions of Zig's runtime library that libc has too, faster and more exact.
OF_LIBC = re.compile(
    r'''_ = @import\("compiler_rt/(?:cos|exp|exp2|fabs|floor_ceil|fma|fmax|fmin|fmod|log|log10|log2|round|sin|sincos'''
    r'''|sqrt|tan|trunc|memcpy|memmove)\.zig"\);|symbol\(&(?:memset|memcmp|bcmp|strlen), "\w+"\);'''
)


def builtins():
    """Returns the source of the arithmetic that clang calls, without the functions of libc."""
    source = SOURCES / "compiler_rt.zig"
    text, count = OF_LIBC.subn("", source.read_text())
    if count != 24:
        sys.exit(f"error: {source} has {count} functions of libc")
    source.write_text(text)
    return source


def compile_runtime(scratch):
    """Compiles the library that is linked into each module: arithmetic, C++, jumps, BLAS and a part of LAPACK."""

    def compile_one(number, source):
        compiler, path, options = source
        compiled = Path(scratch, f"{number}.o")
        run(TOOLS / "bin" / compiler, "-O2", "-g0", "-w", *options, "-c", path, "-o", compiled)
        return compiled

    with ThreadPoolExecutor(os.cpu_count()) as pool:
        objects = list(pool.map(compile_one, itertools.count(), runtime_sources()))
    objects.append(Path(scratch, "builtins.o"))
    run(
        ZIG, "build-obj", "-target", "wasm32-wasi", "-fPIC", "-O", "ReleaseFast", "-fstrip", "-fno-compiler-rt",
        "-fno-ubsan-rt", f"-femit-bin={objects[-1]}", builtins(),
    )  # fmt: skip
    run(ZIG, "ar", "rcs", TOOLS / "lib/libarchipel.a", *objects)
    run(TOOLS / "bin/cc", "-O2", "-c", TOOLS / "flags.c", "-o", TOOLS / "lib/flags.o")
    exported = '-DARCHIPEL_VISIBILITY="default"'
    run(TOOLS / "bin/cc", "-O2", exported, "-c", TOOLS / "flags.c", "-o", TOOLS / "lib/flags-exported.o")
    tags = "__cpp_exception\n__c_longjmp\n"
    (TOOLS / "lib/tags.txt").write_text(tags)
    (TOOLS / "lib/tags-and-flags.txt").write_text(tags + (TOOLS / "flags.txt").read_text())


extract(Path(sys.argv[1]))
configure()
install_programs()
with tempfile.TemporaryDirectory() as scratch:
    os.environ.update(TOOLCHAIN_ZIG=str(ZIG), TOOLCHAIN_PYTHON=sys.executable, ZIG_GLOBAL_CACHE_DIR=scratch, ZIG_LOCAL_CACHE_DIR=scratch)
    compile_runtime(scratch)
