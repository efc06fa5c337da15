"""Takes all the memory that it gets, and then some."""

taken = []


def handle(event):
    while event["kind"] == "attack":
        taken.append(bytearray(1 << 20))
