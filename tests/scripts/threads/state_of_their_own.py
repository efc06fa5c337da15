#: stdout thread None
#: stdout main 1
#: stdout unset
#: stdout 28 5
#: stdout in thread
#: stdout in main
import asyncio
import contextvars
import decimal
import threading

local = threading.local()
local.value = 1
variable = contextvars.ContextVar('variable')
variable.set('set')


def look():
    print('thread', getattr(local, 'value', None))
    local.value = 2


thread = threading.Thread(target=look)
thread.start()
thread.join()
print('main', local.value)

thread = threading.Thread(target=lambda: print(variable.get('unset')))
thread.start()
thread.join()

decimal.getcontext().prec = 5
seen = []
thread = threading.Thread(target=lambda: seen.append(decimal.getcontext().prec))
thread.start()
thread.join()
print(*seen, decimal.getcontext().prec)


async def say(text):
    await asyncio.sleep(0)
    print(text)


async def main():
    thread = threading.Thread(target=lambda: asyncio.run(say('in thread')))
    thread.start()
    thread.join()
    await say('in main')


asyncio.run(main())
