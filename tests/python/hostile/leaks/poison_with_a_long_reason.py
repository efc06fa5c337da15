import interpreters
recv, send = interpreters.create_channel()
try:
    send.poison(ValueError('x' * 10**7))
    found = 'kept'
except Exception as error:
    found = type(error).__name__
