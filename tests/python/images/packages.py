import importlib.metadata
import inspect
import json
import os
import sys
from importlib import resources
from pathlib import Path

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
folder = os.path.dirname(tiny_base.__file__)
with open(os.path.join(folder, "data.txt")) as file:
    print(file.name == f"{folder}/data.txt", file.read(), end="")
print(os.path.getsize(f"{folder}/data.txt"), os.path.isdir(folder), sorted(os.listdir(folder)))
print([(entry.name, entry.is_file()) for entry in os.scandir(folder) if entry.name.startswith("d")])
print(Path(folder, "data.txt").read_bytes(), [path.name for path in Path(folder).glob("*.txt")])
print([path.name for path in Path(folder).iterdir()] == sorted(os.listdir(folder)), list(os.walk(folder))[0][2][:2])
for path in (f"{folder}/absent.txt", f"{folder}/../absent.txt", "/python/site-packages-not", f"{folder}/../../os.py"):
    try:
        open(path)
    except FileNotFoundError as error:
        print(error.filename == path, os.path.exists(path), os.access(path, os.R_OK))
for path, mode in ((f"{folder}/data.txt", "w"), (f"{folder}/data.txt", "r+"), (folder, "r"), (f"{folder}/new.txt", "w")):
    try:
        open(path, mode)
    except OSError as error:
        print(type(error).__name__, error.strerror)
for path in ("/", "/python"):
    try:
        os.listdir(path)
    except OSError as error:
        print(type(error).__name__)
print("a startup file ran" if "tiny_startup" in sys.modules else "no startup file ran")
