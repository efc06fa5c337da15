import zipfile
with zipfile.ZipFile(file, 'w', zipfile.ZIP_DEFLATED) as wheel:
    wheel.writestr('tiny_wheel/__init__.py', 'from .part import answer')
    wheel.writestr('tiny_wheel/part.py', 'def answer():\n    return __name__')
    wheel.writestr('tiny_wheel/words.txt', 'a b')
    wheel.writestr('tiny_wheel-1.5.dist-info/METADATA', 'Name: tiny_wheel\nVersion: 1.5\n')
