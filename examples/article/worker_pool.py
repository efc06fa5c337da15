#: stdout 0 1 4 9 16 25 36 49 64 81
import interpreters
import threading

tasks_recv, tasks = interpreters.create_channel(capacity=None)
results_recv, results = interpreters.create_channel(capacity=None)


def worker():
    interp = interpreters.create()
    interp.run("""
        for n in tasks:
            results.send(n * n)
        """.replace("\n        ", "\n"), channels=dict(tasks=tasks_recv, results=results))


threads = [threading.Thread(target=worker) for _ in range(4)]
for t in threads:
    t.start()
for n in range(10):
    tasks.send(n)
tasks.close()
for t in threads:
    t.join()
print(*sorted(results_recv.recv() for _ in range(10)))
