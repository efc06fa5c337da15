#: row A-7
#: attack It calls aliases with texts that the host could evaluate, format, or use as a path.
#: outcome OK
#: alias echo
#: stdout 7 as they were
texts = ['{0.__class__}', '$(rm -rf /)', '../../etc/passwd', '%s%n', '__import__("os")', '\x1b[31m', '`id`']
print(sum(echo(text) == text for text in texts), 'as they were')
