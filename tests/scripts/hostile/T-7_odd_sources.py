#: row T-7
#: attack It runs sources with zero bytes, invalid encodings, unusual line ends, and without content.
#: outcome RAISE(SyntaxError)
#: stdout zero byte SyntaxError
#: stdout byte-order mark fine
#: stdout surrogate UnicodeEncodeError
#: stdout bad bytes SyntaxError
#: stdout utf-7 SyntaxError
#: stdout unknown SyntaxError
#: stdout returns fine
#: stdout form feed fine
#: stdout empty fine
#: stdout comment fine
#: stdout right to left SyntaxError
#: stdout confusable fine
SOURCES = {
    'zero byte': 'x = 1\0',
    'byte-order mark': b'\xef\xbb\xbfx = 1',
    'surrogate': "x = '\ud800'",
    'bad bytes': b"x = '\xff'",
    'utf-7': b"# coding: utf-7\nx = 'a\xff'",
    'unknown': b'# coding: no-such-encoding\n',
    'returns': 'x = 1\r\ny = 2\rz = 3',
    'form feed': 'if True:\n\f  x = 1\n',
    'empty': '',
    'comment': '# nothing',
    'right to left': 'x = \u202e1',
    'confusable': '\u0430 = 1',
}
for name, source in SOURCES.items():
    try:
        exec(source)
        print(name, 'fine')
    except (SyntaxError, ValueError) as error:
        print(name, type(error).__name__)
