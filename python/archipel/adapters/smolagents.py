"""An executor for the code agents of smolagents."""

from __future__ import annotations

import functools
from typing import Any

from smolagents.local_python_executor import CodeOutput, PythonExecutor

from .._errors import AliasError
from .._runtime import create


class IslandExecutor(PythonExecutor):
    """An executor that runs the code of an agent in an interpreter, and its tools in the host.

    Pass it to a `CodeAgent` as `executor`.  `wall` limits each step, in seconds.  `settings` are the arguments of
    `archipel.create`.
    """

    def __init__(self, *, wall: float | None = 60.0, **settings: Any) -> None:
        self._island = create(**settings)
        self._wall = wall
        self._final: list[Any] = []

    def send_tools(self, tools: dict[str, Any]) -> None:
        """Lend the interpreter the tools of the agent."""
        for name, tool in tools.items():
            self._island.alias(name, self._finish(tool) if name == "final_answer" else _function(tool))

    def _finish(self, tool: Any) -> Any:
        function = _function(tool)

        @functools.wraps(function)
        def final_answer(*args: Any, **kwargs: Any) -> None:
            self._final.append(function(*args, **kwargs))
            # It ends the step.
            raise AliasError("the final answer was given")

        return final_answer

    def send_variables(self, variables: dict[str, Any]) -> None:
        """Bind variables in the interpreter."""
        if variables:
            self._island.prepare_main(variables)

    def __call__(self, code_action: str) -> CodeOutput:
        """Run a step of the agent.

        Raises RuntimeError with the traceback if the code fails.
        """
        self._final.clear()
        cell = self._island.cell(code_action, wall=self._wall)
        if self._final:
            return CodeOutput(output=self._final[0], logs=cell.stdout, is_final_answer=True)
        if cell.error is not None:
            text = cell.error.traceback or f"{cell.error.type}: {cell.error.message}"
            raise RuntimeError(f"{cell.stdout}{text}")
        output = cell.repr if cell.value is None else cell.value
        return CodeOutput(output=output, logs=cell.stdout, is_final_answer=False)

    def cleanup(self) -> None:
        """Destroy the interpreter."""
        self._island.kill()


def _function(tool: Any) -> Any:
    """Return a function with the signature and the docstring of a tool."""

    @functools.wraps(getattr(tool, "forward", tool))
    def call(*args: Any, **kwargs: Any) -> Any:
        return tool(*args, **kwargs)

    return call
