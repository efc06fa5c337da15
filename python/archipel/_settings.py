"""Limits, policies and usage, in the forms that programs write and read."""

from __future__ import annotations

import os
from math import isfinite
from types import SimpleNamespace

from ._archipel import limit_units

TYPE_CHECKING = False
if TYPE_CHECKING:
    from typing import Any

    from ._interpreter import Interpreter


def text_of(what, text):
    """Return `text`.  Raises TypeError if it is not a str."""
    if not isinstance(text, str):
        raise TypeError(f"{what} must be str, not {type(text).__name__}")
    return text


def limits_of(limits):
    """Convert a dict of limits to pairs in the library's units; raises TypeError and ValueError."""
    if limits is None:
        return []
    if not isinstance(limits, dict):
        raise TypeError(f"limits must be a dict or None, not {type(limits).__name__}")
    found = []
    for kind, value in limits.items():
        if value is None:
            continue
        unit = limit_units.get(kind)
        if unit is None:
            raise TypeError(f"unknown limit {kind!r} (use one of {', '.join(limit_units)})")
        if isinstance(value, bool) or not isinstance(value, (int, float)):
            raise TypeError(f"the limit {kind} must be a number, not {type(value).__name__}")
        if not isfinite(value):
            raise ValueError(f"the limit {kind} must be finite (omit it for no limit)")
        if value < 0:
            raise ValueError(f"the limit {kind} must not be negative")
        if unit == 1 and value != int(value):
            raise ValueError(f"the limit {kind} must be a whole number")
        found.append((kind, min(int(value * unit), (1 << 64) - 1)))
    return found


def policy_of(policy):
    """Return the TOML text of a policy and the path of its file.  At least one is None, and both without a policy."""
    if policy is None:
        return None, None
    if isinstance(policy, dict):
        lines = []
        for key, value in policy.items():
            if value is not None:
                lines.append(f"{_toml(key, 'policy')} = {_toml(value, f'policy[{key!r}]')}\n")
        return "".join(lines), None
    if isinstance(policy, os.PathLike):
        return None, os.fspath(policy)
    if isinstance(policy, str):
        if policy.strip() and "=" not in policy and "\n" not in policy.strip():
            raise ValueError(
                f"the policy {policy!r} is not TOML text (for a file, pass pathlib.Path({policy!r}))"
            )
        return policy, None
    raise TypeError(
        f"policy must be TOML text, a path, a dict or None, not {type(policy).__name__}"
    )


def _toml(value, path):
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, os.PathLike):
        value = os.fspath(value)
    if isinstance(value, str):
        # Its import takes longer than those of this package.
        import json

        return json.dumps(value, ensure_ascii=False).replace("\x7f", "\\u007f")
    if isinstance(value, int):
        return str(value)
    if isinstance(value, float) and isfinite(value):
        return repr(value)
    if isinstance(value, (list, tuple, set, frozenset)):
        return f"[{', '.join(_toml(item, path) for item in value)}]"
    if isinstance(value, dict):
        items = []
        for key, item in value.items():
            if not isinstance(key, str):
                raise TypeError(f"{path} has the key {key!r}, which is not a str")
            items.append(f"{_toml(key, path)} = {_toml(item, f'{path}[{key!r}]')}")
        return "{" + ", ".join(items) + "}"
    raise TypeError(f"{path} is not a str, number, list or dict: {type(value).__name__}")


class Used:
    """The usage of one resource: `own`, `subtree` (with all descendants) and `limit`, which is None if there is none.

    Times are in seconds, sizes in bytes.
    """

    __slots__ = ("own", "subtree", "limit")

    def __init__(self, own: float, subtree: float, limit: float | None) -> None:
        self.own: float = own
        self.subtree: float = subtree
        self.limit: float | None = limit

    def __repr__(self) -> str:
        return f"Used(own={self.own!r}, subtree={self.subtree!r}, limit={self.limit!r})"


class Usage(SimpleNamespace):
    """The usage of an interpreter, by the kinds of limits."""

    memory: Used
    cpu: Used
    wall: Used
    fuel: Used
    output: Used
    message: Used
    queued: Used
    tmp: Used
    handles: Used
    children: Used
    depth: Used
    recursion: Used


class Child(SimpleNamespace):
    """A descendant of an interpreter, as it was when it was listed."""

    id: int
    parent: int | None
    name: str | None
    is_running: bool
    usage: Usage


def usage_of(found):
    """Convert a dict of the library to a namespace with an attribute for each kind."""
    return Usage(**{kind: Used(*used) for kind, used in found.items()})


class LimitReached:
    """An exceeded limit, as passed to an `on_limit` function."""

    __slots__ = ("kind", "limit", "used", "interpreter")

    def __init__(self, kind: str, limit: float, used: float, interpreter: Any) -> None:
        self.kind: str = kind
        self.limit: float = limit
        self.used: float = used
        self.interpreter: Interpreter | None = interpreter

    def __repr__(self) -> str:
        return f"LimitReached(kind={self.kind!r}, limit={self.limit!r}, used={self.used!r})"
