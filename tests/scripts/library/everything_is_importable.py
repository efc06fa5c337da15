#: stdout []
import importlib
import sys

# These need parts that this build of CPython does not have, or have effects when imported.
WITHOUT = {
    '_aix_support', '_android_support', '_apple_support', '_ios_support', '_osx_support',
    '_pyrepl', 'antigravity', 'bz2', 'cProfile', 'compression', 'crypt', 'curses',
    'dbm', 'ensurepip', 'fcntl', 'grp', 'idlelib', 'lzma', 'msvcrt', 'multiprocessing',
    'nt', 'pty', 'pwd', 'readline', 'resource', 'ssl', 'syslog', 'termios', 'this', 'tkinter',
    'tty', 'turtle', 'turtledemo', 'winreg', 'winsound', 'venv',
}
failed = []
for name in sorted(sys.stdlib_module_names):
    if name.startswith('_') or name in WITHOUT:
        continue
    try:
        importlib.import_module(name)
    except Exception as error:
        failed.append((name, repr(error)))
print(failed)
