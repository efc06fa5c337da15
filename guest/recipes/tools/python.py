"""Answers the questions that Meson asks the guest's Python, and runs everything else with that of this machine."""

import json
import os
import subprocess
import sys
from pathlib import Path

TOOLS = Path(__file__).resolve().parent


def information(arguments):
    answer = json.loads(subprocess.run([sys.executable, *arguments], capture_output=True, check=True, text=True).stdout)
    with next((TOOLS / "sysconfig").glob("*.json")).open(encoding="utf-8") as file:
        variables = json.load(file)
    include = str(TOOLS / "include")
    variables.update(INCLUDEPY=include, LIBPC="/nonexistent", LIBDIR="/nonexistent", prefix="/usr", base="/usr", base_prefix="/usr")
    answer.update(
        variables=variables, version="3.14", platform="wasi-wasm32", suffix=".cpython-314-wasm32-wasi.so",
        limited_api_suffix=".abi3.so", link_libpython=False, is_freethreaded=False, is_pypy=False,
    )  # fmt: skip
    for paths in ("paths", "sysconfig_paths"):
        for key in ("include", "platinclude"):
            if key in answer.get(paths, {}):
                answer[paths][key] = include
    print(json.dumps(answer))


arguments = sys.argv[1:]
if arguments and arguments[0].endswith("python_info.py"):
    information(arguments)
elif any("get_include" in a for a in arguments):
    print(os.environ["ARCHIPEL_NUMPY"])
else:
    sys.exit(subprocess.run([sys.executable, *arguments]).returncode)
