"""Crashes."""

import os


def handle(event):
    if event["kind"] == "attack":
        os.abort()
