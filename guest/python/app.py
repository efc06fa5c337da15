"""The application that is made a component: everything that an island's snapshot holds."""

from _island import start

# The names that the bindings look for.
from _island.copying import Copying  # noqa: F401
from _island.run import Guest  # noqa: F401

start.settle(__name__)
