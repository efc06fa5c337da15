#: stdout got the error from the subinterpreter
import interpreters
import textwrap as tw

interp = interpreters.create()
try:
    interp.run(tw.dedent("""
        raise KeyError
        """))
except interpreters.RunFailedError as exc:
    if exc.__cause__.type.__name__ != 'KeyError':
        raise
    print("got the error from the subinterpreter")
