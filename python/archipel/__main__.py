"""`python3 -m archipel` is the command `archipel`."""

from ._command import main

main()
