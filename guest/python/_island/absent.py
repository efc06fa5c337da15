"""Hints for modules that an image could have, in reports of uncaught exceptions."""

from . import contents

# The packages of well-known modules that work in an image, by the name of the module: those with a recipe, and some of
# pure Python.  A name that is not listed gets no hint, since a package of that name could be anything.
_PACKAGES = {
    name.partition("=")[0]: name.rpartition("=")[2]
    for name in (
        "_zstd=zstd attr=attrs attrs bs4=beautifulsoup4 click contourpy "
        "dateutil=python-dateutil docutils hypothesis "
        "jinja2=Jinja2 kiwisolver markdown=Markdown markupsafe=MarkupSafe more_itertools=more-itertools "
        "mpmath msgpack networkx numpy openpyxl packaging pandas pygments=Pygments pyparsing pytest pytz regex rich "
        "six sortedcontainers sympy tabulate toolz tqdm typing_extensions=typing-extensions yaml=PyYAML"
    ).split()
}


def explain(error):
    """Add to a ModuleNotFoundError how to get an image with the module, if the module is well known."""
    if type(error) is not ModuleNotFoundError:
        return
    name = error.name
    package = _PACKAGES.get(name) if isinstance(name, str) else None
    # A module that this image has was hidden by the policy or by the script.
    if package is None or contents.look_up(name) or error.msg != f"No module named {name!r}":
        return
    error.msg += f" (not in this image: archipel image build {package}, then --image {package.lower()})"
