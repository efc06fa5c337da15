def f(n):
    for i in range(n):
        g(i)
def g(i):
    return [i] * 10
ready.send(1)
while True:
    f(100)
