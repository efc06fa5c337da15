"""The interpreter configurations of CPython's private module.

They have no effect: every interpreter has its own memory, allocator and lock, and the host decides its capabilities.
They are kept so that `get_config` returns what `create` was given.
"""

from types import SimpleNamespace

from .errors import InterpreterError

_FIELDS = (
    "use_main_obmalloc",
    "allow_fork",
    "allow_exec",
    "allow_threads",
    "allow_daemon_threads",
    "check_multi_interp_extensions",
    "gil",
)
_GIL = ("default", "shared", "own")
_NAMED = {
    "isolated": (False, False, False, True, False, True, "own"),
    "legacy": (True, True, True, True, True, False, "shared"),
    "empty": (False, False, False, False, False, False, "default"),
}
_NAMED["default"] = _NAMED[""] = _NAMED["isolated"]

# The configurations of this interpreter's children, by id.
of_child = {}


def new(name="isolated", /, **overrides):
    """Return the configuration called `name` with some fields overridden."""
    if not isinstance(name, str):
        raise TypeError(f"new_config() argument 1 must be str, not {type(name).__name__}")
    try:
        config = SimpleNamespace(**dict(zip(_FIELDS, _NAMED[name])))
    except KeyError:
        raise ValueError(f"unsupported config name {name!r}") from None
    for field, value in overrides.items():
        if field not in _FIELDS:
            raise ValueError(f"unsupported config override {field!r}")
        setattr(config, field, _check(field, value))
    return config


def _check(field, value):
    if field == "gil":
        if not isinstance(value, str):
            raise TypeError("gil must be a str")
        if value not in _GIL:
            raise ValueError(f"unsupported gil {value!r}")
        return value
    if not isinstance(value, bool):
        raise TypeError(f"{field} must be a bool")
    return value


def resolve(config):
    """Return the configuration of an interpreter that is created with `config`; raises as CPython does."""
    if isinstance(config, str):
        config.encode()
        config = new(config)
    else:
        given = vars(config) if not isinstance(config, dict) else config
        missing = [field for field in _FIELDS if field not in given]
        if missing:
            raise ValueError(f"missing config field {missing[0]!r}")
        extra = [field for field in given if field not in _FIELDS]
        if extra:
            raise ValueError(f"config has unsupported field {extra[0]!r}")
        config = SimpleNamespace(**{field: _check(field, given[field]) for field in _FIELDS})
    if config.gil == "own" and config.use_main_obmalloc:
        raise InterpreterError("per-interpreter obmalloc is required with an own GIL")
    if not config.use_main_obmalloc and not config.check_multi_interp_extensions:
        raise InterpreterError("per-interpreter obmalloc needs multi-phase extensions")
    return config


def own(id):
    """Return the configuration of this interpreter; id 0 is the first of its family."""
    if id:
        return new("isolated")
    return new("legacy", gil="own")
