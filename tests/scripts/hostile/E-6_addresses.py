#: row E-6
#: attack It looks for host addresses in the ids and texts of objects.
#: outcome OK
#: stdout True
#: stdout True
import gc
import re
import sys

print(all(id(obj) < 1 << 32 for obj in gc.get_objects()))
texts = ' '.join(repr(obj)[:300] for obj in [object(), sys, print, gc.get_objects()[0], sys._getframe()])
import interpreters

recv, send = interpreters.create_channel()
texts += repr(recv) + repr(send) + repr(interpreters.create())
print(all(int(found, 16) < 1 << 32 for found in re.findall('0x([0-9a-f]+)', texts)))
