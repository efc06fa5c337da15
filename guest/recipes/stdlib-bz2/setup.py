from setuptools import Extension, setup

LIBRARY = "bzip2/bzip2-1.0.8"
FILES = "blocksort bzlib compress crctable decompress huffman randtable"

setup(
    name="stdlib-bz2",
    ext_modules=[
        Extension(
            "_bz2", ["_bz2.pyx", *(f"{LIBRARY}/{name}.c" for name in FILES.split())], include_dirs=[LIBRARY]
        )
    ],
    py_modules=[],
)
