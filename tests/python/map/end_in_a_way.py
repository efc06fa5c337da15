import os, sys
match sys.argv[1]:
    case 'raise': 1 / 0
    case 'loop':
        while True: pass
    case 'die': os.abort()
    case status: sys.exit(int(status))
