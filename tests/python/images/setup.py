import tiny_top as top

FACTOR = 3


def scaled(number):
    return number * FACTOR
