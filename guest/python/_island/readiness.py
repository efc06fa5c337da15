"""The readiness of descriptors: libc knows which are ready, and the host knows when that changes.

A wait for sockets first asks libc (`Files.probe`), which asks the host's `wasi:io/poll`.  If none is ready, the case
`ready` of `waiting.wait` ends when the host's answer changes.  So one call of the host waits for sockets, channels and
tasks.
"""

import errno
import os
import select

_poll = select.poll
_ALWAYS = select.POLLERR | select.POLLHUP | select.POLLNVAL

# More than the host lets be open.  libc lists them on its stack.
_MOST = 4200


class Files:
    """Descriptors, each with the events to wait for."""

    # The object that libc was asked about last.
    last = None

    def __init__(self, masks=()):
        self.masks = {}
        self.poll = _poll()
        for fd, mask in dict(masks).items():
            self.set(fd, mask)

    def set(self, fd, mask):
        """Wait for the events in `mask` on `fd`."""
        self.poll.register(fd, mask)
        self.masks[fd] = mask

    def drop(self, fd):
        """Stop waiting for `fd`."""
        self.poll.unregister(fd)
        self.masks.pop(fd, None)

    def probe(self):
        """Return the descriptors that are ready now, with their events."""
        if not self.masks:
            return []
        if len(self.masks) > _MOST:
            raise OSError(errno.EINVAL, os.strerror(errno.EINVAL))
        Files.last = self.poll
        try:
            return self.poll.poll(0)
        except OSError:
            ready = self._one_by_one()
            if not ready:
                raise
            return ready

    def _one_by_one(self):
        """Probe each descriptor by itself, for when libc rejects all because of one."""
        ready = []
        for fd, mask in self.masks.items():
            alone = _poll()
            alone.register(fd, mask)
            try:
                ready += alone.poll(0)
            except OSError as error:
                closed = error.errno == errno.EBADF
                # Linux reports this for a socket that is not connected.
                ready.append((fd, select.POLLNVAL if closed else select.POLLHUP | mask & select.POLLOUT))
        return ready


def probe(waiting):
    """Record the outcome of the waits for `Files` in `waiting` that have ended; return whether there are any."""
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
