"""Packs a folder into a wheel whose bytes depend on nothing but the contents."""

import base64
import hashlib
import zipfile
from pathlib import Path

TAG = "cp314-cp314-archipel_1_wasm32"
LEFT_OUT = (".a", ".pc", ".c", ".cpp", ".pyx", ".pyc", ".in")


def metadata(source, config):
    """Returns the package's core metadata, which each source distribution contains."""
    file = Path(source, "PKG-INFO")
    if file.exists() and not config["provides"]:
        return file.read_bytes()
    return f"Metadata-Version: 2.1\nName: {config['name']}\nVersion: {config['version']}\n".encode()


def contents(config, source, tree, folders):
    """Returns the files of the wheel by name. Names of this machine's `folders` in Python files are replaced."""
    files = {}
    for path in Path(tree).rglob("*"):
        name = path.relative_to(tree).as_posix()
        if not path.is_file() or name.endswith(LEFT_OUT) or ".dist-info/" in name:
            continue
        data = path.read_bytes()
        if name.endswith(".py"):
            for folder in folders:
                data = data.replace(folder.encode(), b"/archipel")
        files[name] = data
    information = f"{config['distribution']}-{config['version']}.dist-info"
    files[f"{information}/METADATA"] = metadata(source, config)
    files[f"{information}/WHEEL"] = (
        f"Wheel-Version: 1.0\nGenerator: archipel\nRoot-Is-Purelib: false\nTag: {TAG}\n".encode()
    )
    for path in Path(source).glob("*"):
        if path.is_file() and path.name.upper().startswith(("LICENSE", "LICENCE", "COPYING", "NOTICE")):
            files[f"{information}/licenses/{path.name}"] = path.read_bytes()
    return files, f"{information}/RECORD"


def write(config, source, tree, folders):
    """Writes the wheel to `config["wheel"]`."""
    files, record = contents(config, source, tree, folders)
    lines = []
    for name in sorted(files):
        digest = base64.urlsafe_b64encode(hashlib.sha256(files[name]).digest()).rstrip(b"=").decode()
        lines.append(f"{name},sha256={digest},{len(files[name])}\n")
    files[record] = "".join([*lines, f"{record},,\n"]).encode()
    # Not compressed, because implementations of zlib compress differently.
    with zipfile.ZipFile(config["wheel"], "w", zipfile.ZIP_STORED) as archive:
        for name in sorted(files):
            entry = zipfile.ZipInfo(name, (1980, 1, 1, 0, 0, 0))
            entry.external_attr = 0o644 << 16
            entry.create_system = 3
            archive.writestr(entry, files[name])
