#: row D-1
#: row D-2
#: attack It reads every clock while its clock is frozen.
#: outcome OK
#: clock 86400
#: stdout 86400.0 86400 0.0 0.0
#: stdout 1970-01-02 00:00:00
#: stdout True
import datetime
import time

print(time.time(), time.time_ns() // 10**9, time.monotonic(), time.perf_counter())
print(datetime.datetime.fromtimestamp(time.time(), datetime.UTC).strftime('%Y-%m-%d %H:%M:%S'))
before = time.perf_counter_ns(), time.thread_time_ns() if hasattr(time, 'thread_time_ns') else 0
sum(range(10**6))
after = time.perf_counter_ns(), time.thread_time_ns() if hasattr(time, 'thread_time_ns') else 0
print(before == after)
