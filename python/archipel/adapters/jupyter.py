"""A kernel for Jupyter, whose notebooks run in an interpreter.  `archipel kernel install` installs it."""

from __future__ import annotations

import argparse
import asyncio
import base64
import contextvars
import json
import os
import pathlib
import re
import sys
import tempfile
from typing import Any

from ipykernel.kernelapp import IPKernelApp
from ipykernel.kernelbase import Kernel

from .. import _archipel
from .._interpreter import Interpreter
from .._runtime import create

_COMPLETE = """
def _complete(text):
    import rlcompleter
    completer = rlcompleter.Completer(__import__("sys").modules["__main__"].__dict__)
    matches = iter(lambda: completer.complete(text, next(numbers)), None)
    numbers = __import__("itertools").count()
    return sorted({match.rstrip("() ") for match in matches})
"""


class IslandKernel(Kernel):
    """A kernel that runs the cells of a notebook in an interpreter of this package.

    The variables `ARCHIPEL_KERNEL_IMAGE` and `ARCHIPEL_KERNEL_POLICY` name the image and the policy file.
    """

    implementation: str = "archipel"
    implementation_version: str = _archipel.__version__
    banner: str = "Python in an isolated interpreter"
    language_info: dict[str, Any] = {
        "name": "python",
        "version": "3.14",
        "mimetype": "text/x-python",
        "file_extension": ".py",
        "codemirror_mode": {"name": "ipython", "version": 3},
        "pygments_lexer": "ipython3",
    }

    def __init__(self, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._made: Interpreter | None = None

    @property
    def island(self) -> Interpreter:
        """The interpreter.  It is created when it is first used, and again after it ended."""
        if self._made is None or self._made._gone:
            policy = os.environ.get("ARCHIPEL_KERNEL_POLICY")
            self._made = create(
                image=os.environ.get("ARCHIPEL_KERNEL_IMAGE"),
                policy=None if policy is None else pathlib.Path(policy),
                name="notebook",
            )
        return self._made

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
        loop, context = asyncio.get_running_loop(), contextvars.copy_context()

        def stream(name: str, text: str) -> None:
            if not silent:
                loop.call_soon_threadsafe(self._write, name, text, context=context.copy())

        cell = await self.island.cell_async(code, stream=stream)
        # The last pieces of the output are written before the results.
        await asyncio.sleep(0)
        if not silent:
            for bundle in cell.displays:
                self.send_response(self.iopub_socket, "display_data", _message(bundle))
            rich = cell.displays and cell.displays[-1].get("text/plain") == cell.repr
            if cell.repr is not None and not rich:
                result = {**_message({"text/plain": cell.repr}), "execution_count": self.execution_count}
                self.send_response(self.iopub_socket, "execute_result", result)
        if cell.error is None:
            return {
                "status": "ok",
                "execution_count": self.execution_count,
                "payload": [],
                "user_expressions": {},
            }
        if cell.error.exception is not None and self._made is not None:
            self._made.kill()
        content = {
            "ename": cell.error.type,
            "evalue": cell.error.message,
            "traceback": cell.error.traceback.splitlines(),
        }
        if not silent:
            self.send_response(self.iopub_socket, "error", content)
        return {"status": "error", "execution_count": self.execution_count, **content}

    def _write(self, name: str, text: str) -> None:
        self.send_response(self.iopub_socket, "stream", {"name": name, "text": text})

    async def do_complete(self, code: str, cursor_pos: int) -> dict[str, Any]:
        """Complete a name, and the attributes of one."""
        word = re.search(r"[\w.]*$", code[:cursor_pos])
        text = word.group() if word else ""
        matches: list[str] = []
        if text and not self.island.is_running():
            source = f"(lambda scope: (exec({_COMPLETE!r}, scope), scope['_complete']({text!r}))[1])({{}})"
            matches = await self.island.eval_async(source)
        return {
            "status": "ok",
            "matches": matches,
            "cursor_start": cursor_pos - len(text),
            "cursor_end": cursor_pos,
            "metadata": {},
        }

    def _send_interrupt_children(self) -> None:
        """Interrupt the cell.  The base class calls it for an interrupt request."""
        if self._made is not None:
            self._made.interrupt()

    def do_shutdown(self, restart: bool) -> dict[str, Any]:
        """Destroy the interpreter."""
        if self._made is not None:
            self._made.kill()
        return {"status": "ok", "restart": restart}


def _message(bundle: dict[str, Any]) -> dict[str, Any]:
    data = {
        mime: base64.b64encode(value).decode() if isinstance(value, bytes) else value
        for mime, value in bundle.items()
    }
    return {"data": data, "metadata": {}}


def install(arguments: list[str]) -> None:
    """Install the kernel for Jupyter; `arguments` are those of `archipel kernel`."""
    parser = argparse.ArgumentParser(prog="archipel kernel", description="Work with the kernel for Jupyter.")
    commands = parser.add_subparsers(required=True)
    command = commands.add_parser("install", help="install the kernel for Jupyter")
    place = command.add_mutually_exclusive_group()
    place.add_argument("--sys-prefix", action="store_true", help="for this Python only")
    place.add_argument("--prefix", help="into this folder, such as that of a virtual environment")
    command.add_argument("--name", default="archipel", help="the name of the kernel (default: archipel)")
    command.add_argument("--image", help="the name or the path of the image")
    command.add_argument("--policy", help="the policy file")
    found = parser.parse_args(arguments)
    from jupyter_client.kernelspec import KernelSpecManager

    paths = {"ARCHIPEL_KERNEL_IMAGE": found.image, "ARCHIPEL_KERNEL_POLICY": found.policy}
    spec = {
        "argv": [sys.executable, "-m", __name__, "-f", "{connection_file}"],
        "display_name": "Python (island)",
        "language": "python",
        "interrupt_mode": "message",
        "env": {name: value for name, value in paths.items() if value is not None},
    }
    prefix = sys.prefix if found.sys_prefix else found.prefix
    with tempfile.TemporaryDirectory() as folder:
        pathlib.Path(folder, "kernel.json").write_text(json.dumps(spec, indent=1), "utf-8")
        path = KernelSpecManager().install_kernel_spec(folder, found.name, user=prefix is None, prefix=prefix)
    print(f"installed the kernel {found.name} in {path}")


if __name__ == "__main__":
    IPKernelApp.launch_instance(kernel_class=IslandKernel)
