import archipel
sibling = archipel.create()
child = archipel.create(policy={'children': 1})
child.exec('''
from concurrent import interpreters
from wit_world.imports import interpreters as host
own = interpreters.create()
seen = sorted(interpreter.id for interpreter in interpreters.list_all())
mine = sorted([interpreters.get_current().id, own.id])
children = [used for used in host.usage() if used.kind == 'children']
told = seen == mine, children[0].subtree
''')
