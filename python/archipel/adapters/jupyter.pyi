"""A kernel for Jupyter, whose base class in ipykernel has incomplete types."""

from typing import Any

from traitlets.traitlets import MetaHasTraits

from .._interpreter import Interpreter

class IslandKernel(metaclass=MetaHasTraits):
    """A kernel that runs the cells of a notebook in an interpreter of this package."""

    implementation: str
    implementation_version: str
    banner: str
    language_info: dict[str, Any]
    def __init__(self, **kwargs: Any) -> None: ...
    @property
    def island(self) -> Interpreter:
        """The interpreter.  It is created when it is first used, and again after it ended."""
    async def do_execute(
        self,
        code: str,
        silent: bool,
        store_history: bool = True,
        user_expressions: dict[str, Any] | None = None,
        allow_stdin: bool = False,
        **_: Any,
    ) -> dict[str, Any]:
        """Run a cell."""
    async def do_complete(self, code: str, cursor_pos: int) -> dict[str, Any]:
        """Complete a name, and the attributes of one."""
    def do_shutdown(self, restart: bool) -> dict[str, Any]:
        """Destroy the interpreter."""

def install(arguments: list[str]) -> None:
    """Install the kernel for Jupyter; `arguments` are those of `archipel kernel`."""
