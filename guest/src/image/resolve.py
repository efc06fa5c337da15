"""Run pip so that it resolves for the guest's Python, and cannot start a program: packages are never built here."""

import sys

_FORBIDDEN = {"os.exec", "os.fork", "os.forkpty", "os.posix_spawn", "os.spawn", "os.system", "subprocess.Popen"}


def _refuse(event, _):
    if event in _FORBIDDEN:
        raise PermissionError("packages are not built for an image")


sys.addaudithook(_refuse)

from pip._internal.cli.main import main  # noqa: E402
from pip._vendor.packaging import markers  # noqa: E402

_own = markers.default_environment


def _environment():
    return _own() | {
        "implementation_name": "cpython",
        "implementation_version": "3.14.0",
        "os_name": "posix",
        "platform_machine": "wasm32",
        "platform_python_implementation": "CPython",
        "platform_release": "",
        "platform_system": "WASI",
        "platform_version": "",
        "python_full_version": "3.14.0",
        "python_version": "3.14",
        "sys_platform": "wasi",
    }


# pip takes the version of Python from its options, but evaluates markers for the Python that runs it.
markers.default_environment = _environment
sys.exit(main())
