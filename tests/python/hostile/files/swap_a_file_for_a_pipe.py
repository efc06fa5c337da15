import os
while os.path.exists('/data/swaps'):
    os.rename('/data/file', '/data/aside')
    os.rename('/data/pipe', '/data/file')
    os.rename('/data/file', '/data/pipe')
    os.rename('/data/aside', '/data/file')
