#: children 8 1
#: stdout ['copy', 'original']
#: stdout 1 True
import concurrent.interpreters as ci
import interpreters

child = ci.create()
queue = ci.create_queue()
child.prepare_main(queue=queue)
child.exec("import concurrent.interpreters as ci; own = ci.create_queue(1); own.put('both')")
copy = interpreters.Interpreter(child.id).copy()
child.exec("queue.put('original')")
copy.run("queue.put('copy')")
print(sorted(queue.get(timeout=5) for _ in range(2)))
copy.run("assert own.get(timeout=5) == 'both'; own.put('again')")
child.exec("assert own.full(); queue.put(own.qsize())")
print(queue.get(timeout=5), queue.empty())
