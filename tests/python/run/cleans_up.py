import os

print('kept')
try:
    # Leaves the other line in the buffer.
    os.write(1, b'begun\n')
    while True:
        pass
finally:
    print('cleaned')
