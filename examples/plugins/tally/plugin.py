"""Counts events.  The counts outlive the interpreter, because they are in the host's store."""


def handle(event):
    count = (kv.get(event["kind"]) or 0) + 1
    kv.put(event["kind"], count)
    return f"{event['kind']}: {count}"
