"""The command `archipel`."""

import signal
import sys

from . import _archipel, _guest


def main():
    """Run the command with the arguments of the process, and exit with its status."""
    # As in a program without Python: the command sets its own handlers.
    signal.signal(signal.SIGINT, signal.SIG_DFL)
    sys.exit(_archipel.main([_guest.__package__, *sys.argv[1:]]))
