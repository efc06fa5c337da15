import archipel

child = archipel.create()
begun.send(1)
child.exec('import time; time.sleep(1e6)')
