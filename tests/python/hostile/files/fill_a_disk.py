import errno
try:
    with open('/data/big', 'wb', buffering=0) as file:
        while True:
            file.write(bytes(10_000))
except OSError as error:
    print(errno.errorcode[error.errno])
print('goes on')
