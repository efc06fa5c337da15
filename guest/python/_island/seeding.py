"""The generator behind the functions of `numpy.random`: it is seeded when a script first uses it.

Seeding takes longer than the import of numpy from the snapshot.
"""

from threading import RLock


class _Unseeded(RLock):
    """The lock of a generator that has not been seeded in this interpreter.

    Everything that draws from a generator, or reads its state, acquires its lock.
    """

    def acquire(self, blocking=True, timeout=-1):
        # The generator acquires the lock while it is seeded.
        self.__class__ = RLock
        try:
            _random_state.seed()
        except BaseException:
            self.__class__ = _Unseeded
            raise
        return self.acquire(blocking, timeout)

    __enter__ = acquire


# numpy's `RandomState`.
_random_state = None


def defer(mtrand):
    """Seed the generator in the module `numpy.random.mtrand` when it is next used.

    Does nothing if a script has replaced it by one of another kind.
    """
    global _random_state
    generator = mtrand._rand._bit_generator
    if isinstance(generator, mtrand._MT19937) and isinstance(generator.lock, RLock):
        _random_state = mtrand._rand
        generator.lock.__class__ = _Unseeded
