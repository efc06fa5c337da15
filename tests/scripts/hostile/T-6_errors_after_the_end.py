#: row T-6
#: attack It raises in finalizers, exit functions and hooks, where errors cannot be caught.
#: outcome OK
#: stdout the end
#: stderr-has RuntimeError: in a finalizer
#: stderr-has RuntimeError: at exit
import atexit


class Evil:
    def __del__(self):
        raise RuntimeError('in a finalizer')


@atexit.register
def fail():
    raise RuntimeError('at exit')


Evil()
print('the end')
