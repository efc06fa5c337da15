swapped = 0
while os.path.exists('/data/swaps'):
    os.rename('/data/folder', '/data/aside')
    os.rename('/data/up', '/data/folder')
    os.rename('/data/folder', '/data/up')
    os.rename('/data/aside', '/data/folder')
    swapped += 1
