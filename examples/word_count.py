"""A pipeline of three interpreters that counts the words of a file:

    archipel run --dir examples::/data examples/word_count.py /data/islands.txt

Only the main interpreter has access to the directory.  It reads the file.  One child splits lines into words, one
counts them, and one sorts the counts.  The children have only their channels.
"""

import sys

import interpreters

SPLIT = """
import re
for line in inbox:
    for word in re.findall(r"[a-z]+", line.lower()):
        outbox.send(word)
del outbox
"""

COUNT = """
from collections import Counter
counts = Counter(inbox)
outbox.send(dict(counts))
del outbox
"""

ORDER = """
counts = inbox.recv()
for word in sorted(counts, key=lambda word: (-counts[word], word)):
    outbox.send((word, counts[word]))
del outbox
"""


def stage(source, inbox):
    """Start an interpreter that reads from `inbox`, and return the channel of its results and its task."""
    results, outbox = interpreters.create_channel(capacity=64)
    interpreter = interpreters.create()
    task = interpreter.run_in_thread(source, channels=dict(inbox=inbox, outbox=outbox))
    return results, task


lines_out, lines = interpreters.create_channel(capacity=64)
words, _splitting = stage(SPLIT, lines_out)
counts, _counting = stage(COUNT, words)
ordered, _ordering = stage(ORDER, counts)

with open(sys.argv[1]) as file:
    for line in file:
        lines.send(line)
lines.close()

for _, (word, count) in zip(range(10), ordered):
    print(f"{count:6} {word}")
