import os, sys, time

def until(name):
    while not os.path.exists('/here/' + name):
        time.sleep(0.002)

if sys.argv[1] == 'hog':
    kept = []
    try:
        while True:
            kept.append(open('/here/file', 'w'))
    except OSError:
        print('no more')
    os.mkdir('/here/full')
    until('done')
    # Closed files can be opened again.
    count = len(kept)
    kept.clear()
    kept = [open('/here/file') for _ in range(count)]
else:
    until('full')
    with open('/here/file') as file:
        print('opened')
    os.mkdir('/here/done')
