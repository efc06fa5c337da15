ready.send(1)
re.match('(a+)+$', 'a' * 60 + 'b')
