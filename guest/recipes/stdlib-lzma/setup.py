from pathlib import Path

from setuptools import Extension, setup

LIBRARY = Path("liblzma/xz/src/liblzma")
FOLDERS = [LIBRARY / name for name in "check common delta lz lzma rangecoder simple".split()]

# Programs that generate tables, variants for small programs, and the parts that need threads.
LEFT_OUT = ("crc32_small.c", "crc64_small.c", "crc_clmul_consts_gen.c", "tablegen.c", "_mt.c")

sources = [str(file) for folder in FOLDERS for file in sorted(folder.glob("*.c")) if not file.name.endswith(LEFT_OUT)]

setup(
    name="stdlib-lzma",
    ext_modules=[
        Extension(
            "_lzma",
            ["_lzma.pyx", "liblzma/xz/src/common/tuklib_physmem.c", *sources],
            include_dirs=["liblzma", "liblzma/xz/src/common", str(LIBRARY / "api"), *map(str, FOLDERS)],
            define_macros=[("HAVE_CONFIG_H", "1")],
        )
    ],
    py_modules=[],
)
