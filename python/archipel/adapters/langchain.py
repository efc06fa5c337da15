"""A tool for LangChain that runs Python code in an interpreter."""

from __future__ import annotations

from typing import Any

from langchain_core.tools import StructuredTool

from .._runtime import create
from ._text import DESCRIPTION, outcome


def python_tool(*, wall: float | None = 30.0, **settings: Any) -> StructuredTool:
    """Return a tool with the argument `code`, whose interpreter keeps its variables between calls.

    `wall` limits each call, in seconds.  `settings` are the arguments of `archipel.create`.  An error of the code is
    text for the model, and not an exception.
    """
    island = create(**settings)

    def run(code: str) -> str:
        return outcome(island.cell(code, wall=wall))

    async def run_async(code: str) -> str:
        return outcome(await island.cell_async(code, wall=wall))

    return StructuredTool.from_function(func=run, coroutine=run_async, name="python", description=DESCRIPTION)
