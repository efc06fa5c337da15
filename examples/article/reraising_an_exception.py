#: stdout got a KeyError from the subinterpreter
import interpreters
import textwrap as tw

interp = interpreters.create()
try:
    try:
        interp.run(tw.dedent("""
            raise KeyError
            """))
    except interpreters.RunFailedError as exc:
        raise exc.__cause__
except interpreters.UncaughtException as exc:
    assert exc.type.__qualname__ == 'KeyError'
    print("got a KeyError from the subinterpreter")
