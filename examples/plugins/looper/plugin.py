"""Loops forever and catches every exception."""


def handle(event):
    if event["kind"] != "attack":
        return None
    while True:
        try:
            while True:
                pass
        except BaseException:
            pass
