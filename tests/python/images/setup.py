import random
import uuid

import tiny_top as top

FACTOR = 3


def drawn():
    return f"{random.random()} {uuid.uuid4()}"


def scaled(number):
    return number * FACTOR
