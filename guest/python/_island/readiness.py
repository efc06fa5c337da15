"""Which descriptors are ready: libc knows that, and the host knows when it changes.

A wait for sockets asks libc first (`Files.probe`), which asks the host's `wasi:io/poll`; if none is ready, the case
`ready` of `waiting.wait` ends when that question has another answer.  So sockets, channels and tasks are waited for
in one call of the host.
"""

import errno
import select

_poll = select.poll
_ALWAYS = select.POLLERR | select.POLLHUP | select.POLLNVAL


class Files:
    """Descriptors and the events of them that are waited for."""

    # The one that libc was asked about last.
    last = None

    def __init__(self, masks=()):
        self.masks = {}
        self.poll = _poll()
        for fd, mask in dict(masks).items():
            self.set(fd, mask)

    def set(self, fd, mask):
        """Wait for the events in `mask` of `fd`, too."""
        self.poll.register(fd, mask)
        self.masks[fd] = mask

    def drop(self, fd):
        """Wait for no events of `fd`."""
        self.poll.unregister(fd)
        self.masks.pop(fd, None)

    def probe(self):
        """The descriptors that are ready now, with their events."""
        if not self.masks:
            return []
        Files.last = self.poll
        try:
            return self.poll.poll(0)
        except OSError:
            ready = self._one_by_one()
            if not ready:
                raise
            return ready

    def _one_by_one(self):
        """As `probe`, where libc refuses to look at one of them and so at all."""
        ready = []
        for fd, mask in self.masks.items():
            alone = _poll()
            alone.register(fd, mask)
            try:
                ready += alone.poll(0)
            except OSError as error:
                closed = error.errno == errno.EBADF
                # What Linux says of a socket that is not connected.
                ready.append((fd, select.POLLNVAL if closed else select.POLLHUP | mask & _OUT))
        return ready


def probe(waiting):
    """Note which of the waits for `Files` in `waiting` are over, and return if there are any."""
    if len(waiting) == 1:
        files = waiting[0].case
    else:
        masks = {}
        for wait in waiting:
            for fd, mask in wait.case.masks.items():
                masks[fd] = masks.get(fd, 0) | mask
        files = Files(masks)
    ready = files.probe()
    for wait in waiting:
        masks = wait.case.masks
        own = [(fd, events & (masks[fd] | _ALWAYS)) for fd, events in ready if fd in masks]
        own = [(fd, events) for fd, events in own if events]
        if own:
            wait.outcome = own
            wait.choice.append(wait)
    return bool(ready)
