import archipel
print('123')
child = archipel.create(name='second')
child.exec('print(1); x = sum(range(10**5))')
gone = archipel.create()
gone.exec('print(2)'); gone.close()
