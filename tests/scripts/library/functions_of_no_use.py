#: stdout remote_exec: RuntimeError: Remote debugging is not supported in WebAssembly
#: stdout activate_stack_trampoline: ValueError: perf trampoline not available
#: stdout is_stack_trampoline_active: False
# The linker replaces the first two.
import sys

for name, *arguments in [
    ('remote_exec', 1, 'script.py'),
    ('activate_stack_trampoline', 'perf'),
    ('is_stack_trampoline_active',),
]:
    try:
        print(f'{name}:', getattr(sys, name)(*arguments))
    except Exception as error:
        print(f'{name}: {type(error).__name__}: {error}')
