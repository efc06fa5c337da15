"""Running an importable module as a script: `-m`."""

import runpy
import sys


def run(name):
    """Run the module `name`, or the package's `__main__`, as `__main__`."""
    try:
        _, spec, code = runpy._get_module_details(name, runpy._Error)
    except runpy._Error as error:
        print(f"archipel: {error}", file=sys.stderr)
        sys.exit(2)
    sys.argv[0] = spec.origin
    runpy._run_code(code, sys.modules["__main__"].__dict__, None, "__main__", spec)
