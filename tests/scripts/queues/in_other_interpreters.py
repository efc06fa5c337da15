#: stdout [0, 1, 2, 3, 4]
from concurrent import interpreters

q = interpreters.create_queue()
back = interpreters.create_queue()
child = interpreters.create()
child.prepare_main(q=q)
q.put(back)
child.exec("back = q.get()\nfor n in range(5): back.put(n)")
print([back.get() for _ in range(5)])
