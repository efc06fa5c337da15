import archipel, concurrent.interpreters as ci
children = [archipel.create() for _ in range(4)]
tasks = [child.call_in_thread(exec, 'while True: pass') for child in children]
for task in tasks: task.join()
while True: pass
