import sqlite3

def connect(name, timeout):
    return sqlite3.connect(name, timeout=timeout, isolation_level=None, uri=True)

def ask(connection, statement):
    try:
        return str(connection.execute(statement).fetchall())
    except Exception as error:
        return str(error)
