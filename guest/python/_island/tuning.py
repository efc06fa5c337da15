"""The switch for arranging the snapshot for speed.  A build with `ARCHIPEL_TUNE=0` replaces this module."""

TUNED = True
