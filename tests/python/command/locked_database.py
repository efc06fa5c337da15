import os, sqlite3
sqlite3.connect('/data/x.db').execute('create table t(i)').connection.close()
one, other = [sqlite3.connect('/data/x.db', timeout=0, isolation_level=None) for _ in range(2)]
one.executescript('begin immediate; insert into t values (1)')
print(other.execute('select * from t').fetchall())
try:
    other.execute('begin immediate')
except sqlite3.OperationalError as error:
    print(error)
one.execute('commit')
print(other.execute('select * from t').fetchall(), sorted(os.listdir('/data')))
