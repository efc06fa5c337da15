"""Builds an unpacked source distribution into a folder of the wheel's contents.

The only argument is a JSON file. The functions below are the build backends that a recipe can name. They use the build
systems directly, without the backend of the package's `pyproject.toml`, because those refuse to build for another
platform.
"""

import json
import os
import shutil
import subprocess
import sys
import tarfile
import zipfile
from pathlib import Path

import wheel

TOOLS = Path(__file__).resolve().parent

CROSS = """[binaries]
c = '{tools}/bin/cc'
cpp = '{tools}/bin/c++'
ar = '{tools}/bin/ar'
strip = 'false'
cython = '{tools}/bin/cython'
python = '{tools}/bin/python'
pybind11-config = '{tools}/bin/pybind11-config'
pkg-config = 'false'

[properties]
needs_exe_wrapper = true
skip_sanity_check = true
longdouble_format = 'IEEE_QUAD_LE'

[host_machine]
system = 'wasi'
cpu_family = 'wasm32'
cpu = 'wasm'
endian = 'little'
"""


def run(*command, **options):
    subprocess.run([str(part) for part in command], check=True, **options)


def setuptools(config, source, work, tree):
    """Runs the commands `build_py` and `build_ext` of setuptools."""
    script = "import sys, setuptools; sys.argv[0] = 'setup.py'; setuptools.setup()"
    start = ["setup.py"] if Path(source, "setup.py").exists() else ["-c", script]
    run(sys.executable, *start, *config["options"], "build", "--build-base", work, "--build-lib", tree, cwd=source)


def meson(config, source, work, tree):
    """Configures, compiles and installs with Meson, as meson-python does."""
    cross = Path(work, "cross.ini")
    cross.write_text(CROSS.format(tools=TOOLS))
    own = config.get("meson")
    program = [Path(source, own)] if own else ["-m", "mesonbuild.mesonmain"]
    flags = " ".join(config["cflags"])
    build, stage = Path(work, "build"), Path(work, "stage")
    run(
        sys.executable, *program, "setup", build, "--cross-file", cross, "--buildtype=release", "-Db_ndebug=if-release",
        "--prefix=/usr", "-Dpython.purelibdir=/site", "-Dpython.platlibdir=/site", "-Db_staticpic=true",
        f"-Dc_args={flags}", f"-Dcpp_args={flags}", *config["options"], cwd=source,
    )  # fmt: skip
    run(sys.executable, *program, "compile", "-C", build, "-j", os.cpu_count() or 1)
    run(sys.executable, *program, "install", "-C", build, "--no-rebuild", "--destdir", stage, *config["install"])
    shutil.copytree(stage / "site", tree, dirs_exist_ok=True)


def unpack(archive, folder):
    """Unpacks a source distribution, without the folder that contains everything."""
    inside = Path(folder).with_name("unpacking")
    with tarfile.open(archive) as opened:
        opened.extractall(inside, **({"filter": "data"} if hasattr(tarfile, "data_filter") else {}))
    (top,) = inside.iterdir()
    shutil.copytree(top, folder, dirs_exist_ok=True)
    shutil.rmtree(inside)


def apply(patches, source):
    for patch in patches:
        file = Path(source, patch["file"])
        text = file.read_text(encoding="utf-8")
        if patch["find"] not in text:
            sys.exit(f"error: {patch['file']} does not contain {patch['find']!r}")
        file.write_text(text.replace(patch["find"], patch["replace"]), encoding="utf-8")


def main(path):
    config = json.loads(Path(path).read_text())
    work = Path(config["work"])
    source, scratch, tree = work / "source", work / "scratch", work / "tree"
    for archive, folder in config["sources"]:
        unpack(archive, source / folder)
    if (work / "added").exists():
        shutil.copytree(work / "added", source, dirs_exist_ok=True)
    apply(config["patches"], source)
    for needed in config["needed"]:
        with zipfile.ZipFile(needed) as archive:
            archive.extractall(work / "needed")
    os.environ["ARCHIPEL_NUMPY"] = str(work / "needed/numpy/_core/include")
    # Cython finds the declarations of these packages in the search path. Nothing imports them.
    os.environ["PYTHONPATH"] = os.pathsep.join([os.environ["PYTHONPATH"], str(work / "needed")])
    scratch.mkdir()
    tree.mkdir()
    {"setuptools": setuptools, "meson": meson}[config["backend"]](config, source, scratch, tree)
    wheel.write(config, source, tree, [str(work), str(TOOLS)])


main(sys.argv[1])
