"""The application of the WASI command: the island with replacements for the host's interfaces."""

import _alone

_alone.install()

from _island import start  # noqa: E402
from _alone.main import Run  # noqa: E402, F401

start.settle(__name__)
