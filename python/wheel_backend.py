"""The build backend of the wheel.  It builds the standard guest, compresses it, and calls maturin.

`ARCHIPEL_WHEEL_PROFILE` is the profile of cargo, `release` by default.  The profile `dev` makes a wheel for tests.
"""

import json
import lzma
import os
import pathlib
import subprocess
import tempfile

import maturin
from maturin import (
    get_requires_for_build_editable,
    get_requires_for_build_wheel,
    prepare_metadata_for_build_editable,
    prepare_metadata_for_build_wheel,
)

__all__ = [
    "UnsupportedOperation",
    "build_editable",
    "build_sdist",
    "build_wheel",
    "get_requires_for_build_editable",
    "get_requires_for_build_wheel",
    "prepare_metadata_for_build_editable",
    "prepare_metadata_for_build_wheel",
]

_HERE = pathlib.Path(__file__).resolve().parent
_PACKED = _HERE / "archipel" / "_inside" / "standard.wasm.xz"

# The maximum size of a released wheel, in bytes.
_MOST = 25 << 20


def build_wheel(wheel_directory, config_settings=None, metadata_directory=None):
    """Build a wheel into `wheel_directory`, and return its name."""
    profile = _prepare()
    name = maturin.build_wheel(wheel_directory, config_settings, metadata_directory)
    size = os.path.getsize(os.path.join(wheel_directory, name))
    if profile == "release" and size > _MOST:
        raise SystemExit(f"the wheel is too large: {size} bytes (the maximum is {_MOST})")
    return name


def build_editable(wheel_directory, config_settings=None, metadata_directory=None):
    """Build a wheel that refers to this folder, which gets the extension module and the guest; return its name."""
    _prepare()
    return maturin.build_editable(wheel_directory, config_settings, metadata_directory)


class UnsupportedOperation(Exception):
    """This backend cannot do what a hook asks for."""


def build_sdist(sdist_directory, config_settings=None):
    """Refuse: the sources of the wheel are those of the whole workspace."""
    raise UnsupportedOperation(
        "the package has no source distribution, because it is built from the whole workspace (build a wheel in a "
        "clone of the repository: pip wheel ./python)"
    )


def _prepare():
    """Build the guest, and set the arguments of maturin.  Returns the profile of cargo."""
    profile = os.environ.get("ARCHIPEL_WHEEL_PROFILE", "release")
    os.environ["MATURIN_PEP517_ARGS"] = f"--profile {profile} --locked"
    _pack_guest(profile)
    return profile


def _pack_guest(profile):
    """Build the guest with the command of this tree, and compress it into the package unless that is done."""
    with tempfile.TemporaryDirectory() as folder:
        guest = pathlib.Path(folder, "standard.wasm")
        # pip hides its own modules from builds in this way, but the guest's tools are installed by pip.
        environment = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}
        subprocess.run([_command(profile), "guest", "export", guest], check=True, env=environment)
        made = guest.read_bytes()
    if _PACKED.exists() and lzma.decompress(_PACKED.read_bytes()) == made:
        return
    packed = lzma.compress(made, preset=6 if profile == "release" else 0)
    new = _PACKED.with_suffix(".new")
    new.write_bytes(packed)
    new.replace(_PACKED)


def _command(profile):
    """Build the command, and return its path."""
    # The features of dependencies are those of both packages, so maturin does not compile them again.
    packages = ["--package", "archipel-cli", "--package", "archipel-python"]
    messages = ["--message-format", "json-render-diagnostics"]
    command = ["cargo", "build", "--locked", "--profile", profile, *packages, *messages]
    built = subprocess.run(command, cwd=_HERE.parent, check=True, stdout=subprocess.PIPE, text=True)
    messages = map(json.loads, built.stdout.splitlines())
    return next(message["executable"] for message in messages if message.get("executable"))
