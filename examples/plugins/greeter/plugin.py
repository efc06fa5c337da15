"""Greets people, with the greeting from the host's settings."""

greeting = settings.get("greeting")


def handle(event):
    if event["kind"] == "greet":
        log(f"greeting {event['text']}")
        return f"{greeting}, {event['text']}!"
