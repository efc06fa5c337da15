import os
names = [name for name in os.listdir('/data') if name.isdigit()]
walked = [name for _, _, names in os.walk('/data') for name in names if name.isdigit()]
seen = []
with os.scandir('/data') as entries:
    for entry in entries:
        if entry.name.isdigit():
            seen.append(entry.name)
            os.unlink(entry.path)
counts = len(set(names)), len(names), len(set(walked)), len(seen) == len(set(seen))
