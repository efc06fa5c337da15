from pathlib import Path

from setuptools import Extension, setup

LIBRARY = Path("src/c/zstd/lib")
FOLDERS = [LIBRARY / name for name in "common compress decompress dictBuilder".split()]

sources = [str(file) for folder in FOLDERS for file in sorted(folder.glob("*.c"))]
module = [str(file) for file in sorted(Path("src/c/compression_zstd").glob("*.c"))]

setup(
    name="stdlib-zstd",
    ext_modules=[
        Extension(
            "_zstd",
            [*module, *sources],
            include_dirs=[
                "src/c/compat", "src/c/compression_zstd", "src/c/pythoncapi-compat",
                str(LIBRARY), str(LIBRARY / "common"), str(LIBRARY / "dictBuilder"),
            ],
            define_macros=[("ZSTD_DISABLE_ASM", "1")],
        )
    ],
    packages=[],
    py_modules=[],
)  # fmt: skip
