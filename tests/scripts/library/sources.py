#: stdout def dumps(obj, *, skipkeys=False, ensure_ascii=True, check_circular=True,
#: stdout def namedtuple(typename, field_names, *, rename=False, defaults=None, module=None):
#: stdout def walk(top, topdown=True, onerror=None, followlinks=False):
#: stdout class Template:
#: stdout class Channels:
#: stdout     return _default_decoder.decode(s)
#: stdout            ~~~~~~~~~~~~~~~~~~~~~~~^^^
#: stdout     raise KeyError(key) from None
#: stdout     own_function()
#: stdout     ~~~~~~~~~~~~^^
#: stdout def own_function():
#: stdout True True True
# Sources of the library, of stashed, frozen and other modules, and their lines in tracebacks.
import collections
import inspect
import json
import os
import pkgutil
import string
import traceback
from importlib import resources


class Channels:
    pass


def own_function():
    os.environ["absent"]


for obj in json.dumps, collections.namedtuple, os.walk, string.Template, Channels:
    print(inspect.getsource(obj).splitlines()[0])

try:
    json.loads("{")
except ValueError:
    lines = traceback.format_exc().splitlines()
    at = lines.index("    return _default_decoder.decode(s)")
    print(*lines[at : at + 2], sep="\n")
try:
    own_function()
except KeyError:
    lines = traceback.format_exc().splitlines()
    print(*[line for line in lines if "raise KeyError" in line], sep="\n")
    at = lines.index("    own_function()")
    print(*lines[at : at + 2], sep="\n")
print(inspect.getsource(own_function).splitlines()[0])

source = (resources.files("json") / "__init__.py").read_text()
print(
    source == inspect.getsource(json),
    pkgutil.get_data("json", "tool.py").decode() == json.__loader__.get_source("json.tool"),
    [place.name for place in resources.files("json").iterdir()][:2] == ["__init__.py", "__main__.py"],
)
