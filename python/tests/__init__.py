"""Tests of the package.  They run with `python3 -m unittest`, and need the extension module beside the package."""
