import interpreters
kept = []
try:
    while True:
        kept.append(interpreters.create())
except interpreters.InterpreterError as error:
    told = str(error)
