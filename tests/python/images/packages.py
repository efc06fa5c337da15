import importlib.metadata
import inspect
import json
import sys
from importlib import resources

import tiny_base
import tiny_space.part

print(tiny_base.LOADED, tiny_base.__file__)
print(tiny_space.part.VALUE)
print("json is the library's" if json.dumps([1]) == "[1]" else "json was replaced")
names = [package.name for package in importlib.metadata.distributions()]
print(importlib.metadata.version("tiny_base"), importlib.metadata.version("Tiny-Top"), sorted(names, key=str.lower))
print([entry.name for entry in importlib.metadata.entry_points(group="tiny")])
print(resources.files("tiny_base").joinpath("data.txt").read_text(), end="")
print(inspect.getsource(tiny_base), end="")
print("a startup file ran" if "tiny_startup" in sys.modules else "no startup file ran")
