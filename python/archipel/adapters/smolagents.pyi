"""An executor for the code agents of smolagents, whose own types are incomplete."""

from abc import ABCMeta
from typing import Any

class IslandExecutor(metaclass=ABCMeta):
    """An executor that runs the code of an agent in an interpreter, and its tools in the host."""

    def __init__(self, *, wall: float | None = 60.0, **settings: Any) -> None: ...
    def send_tools(self, tools: dict[str, Any]) -> None:
        """Lend the interpreter the tools of the agent."""
    def send_variables(self, variables: dict[str, Any]) -> None:
        """Bind variables in the interpreter."""
    def __call__(self, code_action: str) -> Any:
        """Run a step of the agent."""
    def cleanup(self) -> None:
        """Destroy the interpreter."""
