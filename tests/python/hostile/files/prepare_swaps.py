import os
os.mkdir('/data/folder')
with open('/data/folder/canary.txt', 'w') as file:
    file.write('inside')
with open('/data/swaps', 'w'):
    pass
