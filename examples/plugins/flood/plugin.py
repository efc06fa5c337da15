"""Prints without end."""


def handle(event):
    while event["kind"] == "attack":
        print("flood " * 100)
