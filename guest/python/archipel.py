"""What Archipel adds to the interpreters and channels of the PEPs."""

from _island.errors import DeadlockError

__all__ = ["DeadlockError"]
