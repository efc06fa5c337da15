#: stdout the caller's
#: stdout True
#: stderr-has ValueError: its own
from concurrent import interpreters

import archipel


class Argument:
    def __init__(self, raised):
        self.raised = raised

    def __reduce__(self):
        raise self.raised


child = interpreters.create()
# A cancellation can be raised in any step of the library.
try:
    child.call_in_thread(print, Argument(archipel.Cancelled("the caller's")))
except archipel.Cancelled as error:
    print(error)
thread = child.call_in_thread(print, Argument(ValueError("its own")))
thread.join()
print(not thread.is_alive())
