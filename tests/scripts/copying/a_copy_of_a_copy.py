#: children 40 1
#: stdout 30 435 hello
import interpreters

child = interpreters.create()
child.run("numbers = []\nclass C:\n    text = 'hello'")
for n in range(30):
    child.run(f"numbers.append({n})")
    child = child.copy()
child.run("print(len(numbers), sum(numbers), C.text)")
