#: row P-7
#: attack It sends texts with lone surrogates, zero bytes, and characters beyond the first plane.
#: outcome OK
#: stdout 6 as they were
#: stdout child True
from concurrent import interpreters as ci

import interpreters

recv, send = interpreters.create_channel(capacity=None)
texts = ['\ud800', '\udfff\ud800', '\0', 'a\0b', '\U0001f600', '\u202e\ufeff']
same = 0
for text in texts:
    send.send(text)
    same += recv.recv() == text
print(same, 'as they were')
print('child', ci.create().call(eval, ascii(texts)) == texts)
