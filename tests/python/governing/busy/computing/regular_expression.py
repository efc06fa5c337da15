import re

begun.send(1)
re.match('(a+)+$', 'a' * 40 + 'b')
