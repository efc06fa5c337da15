"""Whether the snapshot is arranged for speed: a build with `ARCHIPEL_TUNE=0` replaces this module."""

TUNED = True
