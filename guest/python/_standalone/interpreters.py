"""The only interpreter of the command."""

from componentize_py_types import Err
from wit_world.imports import interpreters as wit

from . import refuse

_ID = 0


class Interpreter:
    """A reference to the current interpreter, which is always running."""

    def id(self):
        return _ID

    def is_running(self):
        return True

    def run(self, job):
        raise Err(wit.NotRun_Refused(wit.Refusal_Running()))

    def start(self, *arguments):
        raise Err(wit.Refusal_Running())

    close = copy = reset = start

    def __getattr__(self, name):
        if name.startswith("_"):
            raise AttributeError(name)
        return refuse


def current():
    return _ID


def list_all():
    return [_ID]


def get(id):
    if id != _ID:
        raise Err(wit.Refusal_Absent())
    return Interpreter()


PROVIDED = Interpreter, current, list_all, get
