import errno
def attempt(call):
    try:
        result = call()
    except OSError as error:
        return errno.errorcode.get(error.errno, type(error).__name__)
    return 'done'
