"""What the interpreter of an island needs to know of being one.

Nothing here is a security control.  The code of the interpreter can reach and change all of it, and
would only confuse itself: the host checks whatever leaves the island.
"""
