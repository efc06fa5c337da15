import archipel
made = []
children = [archipel.create() for _ in range(4)]
tasks = []
for child in children:
    child.alias('called', made.append)
    tasks.append(child.call_in_thread(exec, 'called(bytes(1 << 20))', {}))
while queued() < 4: pass
for child in children: child.kill()
while queued() > 1: pass
archipel.select(archipel.after(0.01))
assert made == [], len(made)
