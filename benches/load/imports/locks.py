"""`locks.set` and `locks.find` of many files, each with many connections."""

import sqlite3

CONNECTIONS = [
    sqlite3.connect(f'/data/{number % 20}.db', timeout=0, isolation_level=None) for number in range(200)
]
for connection in CONNECTIONS[:20]:
    connection.execute('create table t(i)')


def step():
    for connection in CONNECTIONS:
        connection.execute('begin')
        connection.execute('select * from t').fetchall()
    for connection in CONNECTIONS:
        connection.execute('commit')
        connection.execute('begin immediate')
        connection.execute('rollback')
