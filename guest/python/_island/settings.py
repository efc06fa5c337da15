"""The settings of an image.  A build of an image replaces this module; the standard guest has these."""

# The modules to import.
IMPORTS = ()

# The source of the set-up script, or None.
SETUP = None
