"""Builds Pillow with the zlib, libjpeg and FreeType in the folders beside it, which Pillow's own setup.py cannot find."""

from pathlib import Path

from setuptools import Extension, setup

VERSION = Path("src/PIL/_version.py").read_text(encoding="utf-8").split('"')[1]

ZLIB, JPEG, FREETYPE = "zlib/src/zlib", "jpeg/vendor", "freetype/freetype2"

ZLIB_FILES = "adler32 compress crc32 deflate inffast inflate inftrees trees uncompr zutil"

# Compression, decompression, and both.
JPEG_FILES = """
jcapimin jcapistd jccoefct jccolor jcdctmgr jcext jchuff jcicc jcinit jcmainct jcmarker jcmaster jcparam jcphuff
jcprepct jcsample jctrans
jdapimin jdapistd jdatadst jdatasrc jdcoefct jdcolor jddctmgr jdhuff jdicc jdinput jdmainct jdmarker jdmaster jdmerge
jdphuff jdpostct jdsample jdtrans
jcomapi jerror jfdctflt jfdctfst jfdctint jidctflt jidctfst jidctint jidctred jmemmgr jmemnobs jquant1 jquant2
jsimd_none jutils
"""

# The formats of TrueType, OpenType and Type 1 fonts, bitmap fonts, and what these need.
FREETYPE_FILES = """
autofit/autofit base/ftbase base/ftbbox base/ftbdf base/ftbitmap base/ftcid base/ftdebug base/ftfstype base/ftgasp
base/ftglyph base/ftgxval base/ftinit base/ftmm base/ftotval base/ftpatent base/ftpfr base/ftstroke base/ftsynth
base/ftsystem base/fttype1 base/ftwinfnt bdf/bdf bzip2/ftbzip2 cache/ftcache cff/cff cid/type1cid gzip/ftgzip lzw/ftlzw
pcf/pcf pfr/pfr psaux/psaux pshinter/pshinter psnames/psnames raster/raster sdf/sdf svg/svg sfnt/sfnt smooth/smooth
truetype/truetype type1/type1 type42/type42 winfonts/winfnt
"""


def files(folder, names):
    return [f"{folder}/{name}.c" for name in names.split()]


setup(
    ext_modules=[
        Extension(
            "PIL._imaging",
            [
                *files("src", "_imaging decode encode map display outline path"),
                *map(str, sorted(Path("src/libImaging").glob("*.c"))),
                *files(ZLIB, ZLIB_FILES),
                *files(JPEG, JPEG_FILES),
            ],
            include_dirs=["src/libImaging", ZLIB, "configuration", JPEG],
            define_macros=[("PILLOW_VERSION", f'"{VERSION}"'), ("HAVE_LIBZ", None), ("HAVE_LIBJPEG", None)],
        ),
        Extension(
            "PIL._imagingft",
            ["src/_imagingft.c", "src/libImaging/Mode.c", *files(f"{FREETYPE}/src", FREETYPE_FILES)],
            include_dirs=["src/libImaging", f"{FREETYPE}/include"],
            define_macros=[("FT2_BUILD_LIBRARY", None)],
        ),
        Extension("PIL._imagingmath", ["src/_imagingmath.c", "src/libImaging/Mode.c"], include_dirs=["src/libImaging"]),
        Extension("PIL._imagingmorph", ["src/_imagingmorph.c"], include_dirs=["src/libImaging"]),
    ],
)
