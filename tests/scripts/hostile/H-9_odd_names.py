#: row H-9
#: row I-15
#: attack It gives children and aliases names that are empty, enormous, or resemble something else.
#: outcome RAISE(ValueError)
#: stdout child '' ValueError
#: stdout alias '' ValueError
#: stdout child 'xxxxxxxxxxxxxxxxxxx ValueError
#: stdout alias 'xxxxxxxxxxxxxxxxxxx ValueError
#: stdout child 'a\x00b' ValueError
#: stdout alias 'a\x00b' ValueError
#: stdout child '__proto__' fine
#: stdout alias '__proto__' ValueError
#: stdout child '\u0430' fine
#: stdout alias '\u0430' ValueError
#: stdout child '\u202ename' fine
#: stdout alias '\u202ename' ValueError
#: stdout child '../name' fine
#: stdout alias '../name' ValueError
#: stdout child 'a b' fine
#: stdout alias 'a b' ValueError
#: stdout child '\ud800' UnicodeEncodeError
#: stdout alias '\ud800' UnicodeEncodeError
import archipel

NAMES = ['', 'x' * (1 << 20), 'a\0b', '__proto__', '\u0430', '\u202ename', '../name', 'a b', '\ud800']
for name in NAMES:
    shown = ascii(name)[:20]
    for what in ('child', 'alias'):
        try:
            child = archipel.create(name=name if what == 'child' else None)
            if what == 'alias':
                child.alias(name, print)
            print(what, shown, 'fine')
        except Exception as error:
            print(what, shown, type(error).__name__)
