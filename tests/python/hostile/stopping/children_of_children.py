import interpreters
SOURCE = '''
import interpreters
begun.send(1)
while True:
    try:
        kept = interpreters.create()
    except interpreters.InterpreterError:
        pass
'''
threads = [
    interpreters.create().run_in_thread(SOURCE, channels=dict(begun=begun)) for _ in range(4)
]
while True:
    kept = interpreters.create()
