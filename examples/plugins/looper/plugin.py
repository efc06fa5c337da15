"""Never comes to an end, whatever is raised in it."""


def handle(event):
    if event["kind"] != "attack":
        return None
    while True:
        try:
            while True:
                pass
        except BaseException:
            pass
