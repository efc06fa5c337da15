"""A toolset for pydantic-ai that runs Python code in an interpreter."""

from __future__ import annotations

from typing import Any

from pydantic_ai.toolsets import FunctionToolset

from .._runtime import create
from ._text import DESCRIPTION, outcome


def python_toolset(*, wall: float | None = 30.0, **settings: Any) -> FunctionToolset[Any]:
    """Return a toolset with the tool `run_python(code)`, whose interpreter keeps its variables between calls.

    `wall` limits each call, in seconds.  `settings` are the arguments of `archipel.create`.  An error of the code is
    text for the model, and not an exception.
    """
    island = create(**settings)

    async def run_python(code: str) -> str:
        return outcome(await island.cell_async(code, wall=wall))

    run_python.__doc__ = DESCRIPTION
    toolset: FunctionToolset[Any] = FunctionToolset()
    toolset.add_function(run_python)
    return toolset
