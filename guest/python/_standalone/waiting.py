"""Waiting for the first of several events, of which only those that are ready at once can occur."""

import os

from _island import readiness
from componentize_py_types import Err
from wit_world.imports import channels
from wit_world.imports import waiting as wit

from .channels import pass_time


def wait(cases, timeout):
    # If several are ready, one is chosen at random.
    for index in sorted(range(len(cases)), key=lambda _: os.urandom(4)):
        outcome = _outcome(cases[index])
        if outcome is not None:
            return index, outcome
    if cases and type(cases[-1]) is wit.Case_Ready:
        # Nothing else can become ready during the poll.
        limit = None if timeout is None else -(-timeout // 1_000_000)
        if not readiness.Files.last.poll(limit):
            raise Err(channels.Error_Timeout())
        return len(cases) - 1, wit.Outcome_Ready()
    pass_time(timeout, " or ".join(map(_wish, cases)) or "see time pass")


def _outcome(case):
    """Return the outcome of the case if it is ready, or None."""
    try:
        match case:
            case wit.Case_Receive(value=receiver):
                message = receiver.take()
                return None if message is None else wit.Outcome_Received(message)
            case wit.Case_Send(value=(sender, (body, _, attachments))):
                return wit.Outcome_Sent() if sender.put(body, attachments) else None
            case wit.Case_LookedUp():
                return wit.Outcome_Ready()
    except Err as error:
        return wit.Outcome_Failed(error.value)
    return None


def _wish(case):
    match case:
        case wit.Case_Receive(value=end) | wit.Case_Send(value=(end, _)):
            return end.wish()
    return "see a task end"


PROVIDED = (wait,)
