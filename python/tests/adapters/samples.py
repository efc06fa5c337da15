"""Functions that the tests send to the workers of a cluster."""

import time


def square(n):
    return n * n


def fails():
    raise ValueError("on purpose")


def forever():
    while True:
        pass


def stubborn():
    while True:
        try:
            forever()
        except BaseException:
            pass


def denied():
    open("/etc/passwd")


def total(rows):
    return sum(rows)


def nap(seconds):
    time.sleep(seconds)
    return seconds
