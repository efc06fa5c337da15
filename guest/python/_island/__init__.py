"""The guest side of an island: the modules behind those that scripts import.

Nothing here is a security control.  Code in the interpreter can reach and change all of it, and would harm only
itself: the host checks everything that leaves the island.
"""
