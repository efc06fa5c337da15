"""The end of the interpreter, which is that of the command, and comes without a warning."""

from command_world.imports import exit as command


def exit(status):
    command.exit_with_code(status)


def take_interruption():
    return None


PROVIDED = exit, take_interruption
