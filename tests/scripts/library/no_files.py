#: stdout FileNotFoundError
#: stdout []
import sys

try:
    open('/etc/passwd')
except OSError as error:
    print(type(error).__name__)
print(sys.path)
