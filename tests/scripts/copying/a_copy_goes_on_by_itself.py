#: children 4 1
#: stdout original [1, 'original']
#: stdout copy [1, 'copy']
#: stdout True True True
#: stdout ['copy', 'original']
#: stdout the copy's own: 2
import interpreters

original = interpreters.create()
results, result = interpreters.create_channel(None)
original.run("""
import json, re
names = [1]
def work(name):
    names.append(name)
    out.send(name)
    print(name, names)
""", channels=dict(out=result))
copy = original.copy()
original.run("work('original')")
copy.run("work('copy')")
ids = [i.id for i in interpreters.list_all()]
print(copy.id in ids, copy != original, copy.isolated == original.isolated)
print(sorted(results.recv() for _ in range(2)))
original.close()
copy.run("""
import concurrent.interpreters as ci
print("the copy's own:", ci.get_current().id)
json.dumps(names)
""")
