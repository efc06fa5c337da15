"""The application of the WASI command: the island with replacements for the host's interfaces."""

import _standalone

_standalone.install()

from _island import start  # noqa: E402
from _standalone.main import Run  # noqa: E402, F401

start.settle(__name__)
