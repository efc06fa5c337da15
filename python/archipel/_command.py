"""The command `archipel`."""

import signal
import sys

from . import _archipel


def main():
    """Run the command with the arguments of the process, and exit with its status."""
    arguments = sys.argv[1:]
    if arguments[:1] == ["kernel"]:
        try:
            from .adapters import jupyter
        except ImportError as error:
            sys.exit(f"archipel: the kernel needs ipykernel: {error} (pip install 'archipel[jupyter]')")
        jupyter.install(arguments[1:])
        return
    # As in a program without Python: the command sets its own handlers.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    sys.exit(_archipel.main(["archipel", *arguments]))
