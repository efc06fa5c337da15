#: row G-6
#: attack It walks all objects, modules and frames in its memory and prints every text that it finds.
#: outcome OK
#: alias echo
#: env GRANTED=granted
#: stdout-limit 100000000
import gc
import sys

frame, texts, seen = sys._getframe(), set(), set()
todo = list(sys.modules.values()) + gc.get_objects()
while frame is not None:
    todo += [frame.f_globals, frame.f_locals, frame.f_code.co_filename]
    frame = frame.f_back
while todo:
    obj = todo.pop()
    if isinstance(obj, (str, bytes)):
        texts.add(obj)
    elif id(obj) not in seen:
        seen.add(id(obj))
        todo += gc.get_referents(obj)
assert len(texts) > 10_000, len(texts)
# The test checks the texts that must not be among them.
for text in texts:
    print(repr(text))
