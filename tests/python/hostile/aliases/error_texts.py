import traceback
told = []
for call in (read, detail):
    try:
        call()
    except Exception as error:
        told.append(''.join(traceback.format_exception(error)) + repr(error.__dict__) + repr(error.args))
