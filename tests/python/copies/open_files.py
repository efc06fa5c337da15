import os, select
closed = open('/data/read')
file = open('/data/written', 'w'); file.write('flushed'); file.flush()
closed.close()
fd = os.open('/data/raw', os.O_RDWR | os.O_CREAT); os.write(fd, b'raw')
reader = open('/data/read', 'rb')
file.write(' later')
