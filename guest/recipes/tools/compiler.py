"""Compiles and links extension modules for the guest. Its first argument is `cc` or `c++`.

Compiling passes through to clang. Each link, also that of a program that a build system only probes for, makes a
position-independent shared module of the given objects against the guest's own libraries, because an extension can use
exactly what those libraries export.
"""

import hashlib
import os
import subprocess
import sys
import tempfile
from pathlib import Path

TOOLS = Path(__file__).resolve().parent
LIBRARIES = TOOLS / "lib"
ZIG = os.environ["TOOLCHAIN_ZIG"]

# The target of both languages. `-fvisibility=hidden` exports only `PyInit_*`, so that extensions cannot replace each
# other's functions. The linker of the guest lowers exceptions, in their standard encoding, and jumps by longjmp.
COMMON = [
    "-target", "wasm32-wasi", "-mcpu=lime1+exception_handling", "-fPIC", "-fvisibility=hidden",
    "-mllvm", "-wasm-use-legacy-eh=false", "-mllvm", "-wasm-enable-sjlj",
    "-fno-sanitize=undefined", "-fno-stack-protector",
    # `replaced` has headers that replace those of libc and libc++. CPython's headers come last: a package can have the
    # same names.
    "-I", str(TOOLS / "replaced"),
    "-isystem", str(TOOLS / "include"), "-isystem", str(TOOLS / "include/internal"),
    "-D_WASI_EMULATED_SIGNAL", "-D_WASI_EMULATED_PROCESS_CLOCKS", "-D_WASI_EMULATED_GETPID", "-D_WASI_EMULATED_MMAN",
    "-Wno-unused-command-line-argument",
]  # fmt: skip

CXX = ["-fwasm-exceptions", "-fvisibility-inlines-hidden", "-fvisibility-global-new-delete=force-hidden"]

# A module uses what it defines, also where it exports the same as others. The guest calls the exported function that
# runs static constructors.
LINK = [
    "-shared", "-Bsymbolic", "--experimental-pic", "--no-entry", "-O2", "--strip-debug", "--export=__wasm_call_ctors",
]  # fmt: skip

# What is linked into each module comes first, then what the guest has.
PROVIDED = [
    "libarchipel.a", "libpython3.14.so", "libwasi-emulated-mman.so", "libwasi-emulated-process-clocks.so",
    "libwasi-emulated-signal.so", "libc.so",
]  # fmt: skip

QUERIES = {"-c", "-E", "-S", "-fsyntax-only", "--version", "-v", "-M", "-MM", "-dumpversion", "-dumpmachine"}
SOURCES = (".c", ".cc", ".cpp", ".cxx", ".C")
OBJECTS = (".o", ".a", ".obj", ".so")

# The start of the name by which the modules of an interpreter find the internals of pybind11. They include functions
# that catch exceptions, and an exception does not leave its module, so each module gets internals of its own.
SHARED = b"__pybind11_internals_v"

# Libraries that libc contains, and options that concern other linkers.
IGNORED = ("-Wl,", "-shared", "-lm", "-ldl", "-lpthread", "-pthread", "-lc", "-lstdc++")


def main(name, arguments):
    plus = name == "c++"
    # setuptools names the headers of the Python that it runs in.
    arguments = [a for a in arguments if not (a.startswith("-I") and Path(a[2:], "Python.h").exists())]
    compiler = [ZIG, "c++" if plus else "cc", *COMMON, *(CXX if plus else [])]
    prefix = os.environ.get("TOOLCHAIN_SOURCE")
    if prefix:
        compiler.append(f"-ffile-prefix-map={prefix}=.")
    if any(a in QUERIES or a.startswith(("-print", "--print")) for a in arguments):
        return subprocess.run([*compiler, *arguments]).returncode
    if any(a.startswith("-Wl,--version") for a in arguments):
        return subprocess.run([ZIG, "wasm-ld", "--version"]).returncode
    with tempfile.TemporaryDirectory() as scratch:
        return link(compiler, arguments, scratch)


def link(compiler, arguments, scratch):
    """Compiles the sources among `arguments`, and links them with the objects."""
    sources, inputs, options, output = [], [], [], "a.out"
    remaining = iter(arguments)
    for argument in remaining:
        if argument == "-o":
            output = next(remaining)
        elif argument.startswith(IGNORED):
            continue
        elif argument.endswith(SOURCES):
            sources.append(argument)
        elif argument.endswith(OBJECTS) or argument.startswith(("-l", "-L")):
            inputs.append(argument)
        else:
            options.append(argument)
    for number, source in enumerate(sources):
        compiled = f"{scratch}/{number}.o"
        status = subprocess.run([*compiler, *options, "-c", source, "-o", compiled]).returncode
        if status:
            return status
        inputs.append(compiled)
    # One module of a package can define the state of the floating-point flags for the others.
    owner = os.environ.get("TOOLCHAIN_FLAGS_OWNER", "")
    # Each module has the tags of exceptions to itself, because exceptions do not leave it.
    undefined = "tags.txt"
    if owner and owner in Path(output).name:
        inputs.append(str(LIBRARIES / "flags-exported.o"))
    elif owner:
        undefined = "tags-and-flags.txt"
    else:
        inputs.append(str(LIBRARIES / "flags.o"))
    # The linker reads only one such file.
    inputs.append(f"--allow-undefined-file={LIBRARIES / undefined}")
    # A probe's program must not lose the function that it asks for.
    inputs.append("--gc-sections" if "-shared" in arguments else "--no-gc-sections")
    provided = [str(LIBRARIES / name) for name in PROVIDED]
    status = subprocess.run([ZIG, "wasm-ld", *LINK, *inputs, *provided, "-o", output]).returncode
    return status or separate(Path(output))


def separate(module):
    """Replaces the name of pybind11's internals by the module's hash."""
    data = module.read_bytes()
    if SHARED in data:
        own = b"__" + hashlib.sha256(data).hexdigest().encode()
        module.write_bytes(data.replace(SHARED, own[: len(SHARED)]))
    return 0


sys.exit(main(sys.argv[1], sys.argv[2:]))
