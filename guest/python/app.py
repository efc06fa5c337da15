"""The application that becomes the component; importing it makes the state of the snapshot."""

from _island import start

# The bindings look for these names.
from _island.copying import Copying  # noqa: F401
from _island.run import Guest  # noqa: F401

start.settle(__name__)
