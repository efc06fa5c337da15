"""The application of the command, which is everything that the island is but for the host."""

import _alone

_alone.install()

from _island import start  # noqa: E402
from _alone.main import Run  # noqa: E402, F401

start.settle(__name__)
