import sys
import threading

threading.Thread(target=print, args=("a thread runs",), kwargs={"flush": True}).start()
try:
    input()
except KeyboardInterrupt:
    print("interrupted", flush=True)
print(input(), sys.stdin.readlines(), flush=True)
