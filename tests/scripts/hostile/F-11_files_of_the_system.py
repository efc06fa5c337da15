#: row F-11
#: attack It opens the files through which a process reaches its system.
#: outcome DENY
#: dir ro /data
#: stdout 16 of FileNotFoundError
paths = [
    '/proc/self/environ', '/proc/self/mem', '/proc/self/maps', '/proc/self/fd/0', '/proc/self/fd/3',
    '/proc/1/cmdline', '/proc/self/root/etc/passwd', '/proc/self/cwd', '/proc/kcore',
    '/dev/zero', '/dev/random', '/dev/mem', '/dev/tty', '/dev/stdin', '/dev/fd/3', '/sys/kernel',
]
absent = 0
for path in paths:
    try:
        open(path)
        print(path)
    except FileNotFoundError:
        absent += 1
print(absent, 'of FileNotFoundError')
