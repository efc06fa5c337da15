"""Counts events; the counts outlive the interpreter, since they are in the host's store."""


def handle(event):
    count = (kv.get(event["kind"]) or 0) + 1
    kv.put(event["kind"], count)
    return f"{event['kind']}: {count}"
