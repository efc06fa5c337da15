#: row O-5
#: attack It writes terminal control sequences, which a capture keeps unchanged.
#: outcome EXIT(1)
#: stdout [31m]0;title‮
#: stderr-has ValueError
print('\x1b[31m\a\b\x1b]0;title\a\u202e', flush=True)
raise ValueError('\x1b[31m\a\b\x1b]0;title\a\u202e')
