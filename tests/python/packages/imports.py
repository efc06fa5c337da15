import archipel
from concurrent import interpreters
from concurrent.futures import InterpreterPoolExecutor
from importlib import metadata, resources

source = 'import tiny_folder, tiny_wheel; print(tiny_folder.answer(), tiny_wheel.answer())'
exec(source)
print(metadata.version('tiny_wheel'), (resources.files('tiny_wheel') / 'words.txt').read_text())
interpreters.create().exec(source)
with InterpreterPoolExecutor(1) as pool:
    print(pool.submit(tiny_folder.answer).result(), pool.submit(tiny_wheel.answer).result())

# A safe child has neither the path nor the files.
safe = archipel.create()
opening = [f'open({module.__file__!r})' for module in (tiny_folder, tiny_wheel)]
for attempt in ['import tiny_folder', 'import tiny_wheel', *opening]:
    try:
        safe.exec(attempt)
        print('it worked')
    except interpreters.ExecutionFailed as error:
        print(error.excinfo.type.__name__)
