"""The exit of the interpreter, which ends the command.  There are no interruptions."""

from command_world.imports import exit as command


def exit(status):
    command.exit_with_code(status)


def take_interruption():
    return None


PROVIDED = exit, take_interruption
