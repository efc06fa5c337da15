#: row S-5
#: attack It starts processes, in nine ways.
#: outcome RAISE(OSError)
#: stdout fork AttributeError
#: stdout forkpty AttributeError
#: stdout system AttributeError
#: stdout exec AttributeError
#: stdout spawn AttributeError
#: stdout popen OSError
#: stdout subprocess OSError
#: stdout shell OSError
#: stdout multiprocessing AttributeError
import os
import subprocess


def multiprocessing():
    import multiprocessing

    multiprocessing.get_context('spawn').Process(target=print).start()


attempts = {
    'fork': lambda: os.fork(),
    'forkpty': lambda: os.forkpty(),
    'system': lambda: os.system('true'),
    'exec': lambda: os.execv('/bin/true', ['true']),
    'spawn': lambda: os.spawnv(os.P_WAIT, '/bin/true', ['true']),
    'popen': lambda: os.popen('true'),
    'subprocess': lambda: subprocess.run(['true']),
    'shell': lambda: subprocess.getoutput('true'),
    'multiprocessing': multiprocessing,
}
for name, attempt in attempts.items():
    try:
        attempt()
        print(name, 'fine')
    except (OSError, AttributeError, ImportError) as error:
        print(name, 'OSError' if isinstance(error, OSError) else type(error).__name__)
