"""Helper of hostile scripts. The harness puts it before a script whose header has `with attacks`."""

import archipel
from concurrent.interpreters import ExecutionFailed


def outcome(*sources, reasons=False, **settings):
    """Run the sources in a new child, and return `fine` or the name of the error."""
    child = archipel.create(**settings)
    try:
        for source in sources:
            child.exec(source)
    except archipel.LimitExceeded as error:
        return f'LimitExceeded({error.kind})'
    except archipel.InterpreterDied as error:
        reason = str(error).removeprefix('the interpreter died')
        return 'InterpreterDied' + (reason if reasons else '')
    except ExecutionFailed as error:
        return error.excinfo.type.__name__
    return 'fine'


