"""A terminal that a program writes on, as the person before it would see it."""

import fcntl
import os
import re
import struct
import termios
import threading
import tty


class Screen:
    """A pseudo-terminal whose one end, `end`, is given to a program as its output; what is written there is kept."""

    def __init__(self, columns=240, rows=50):
        self.master, self.end = os.openpty()
        tty.setraw(self.end)
        self.resize(columns, rows)
        self.written = bytearray()
        self.reader = threading.Thread(target=self._read, daemon=True)
        self.reader.start()

    def resize(self, columns, rows=50):
        fcntl.ioctl(self.end, termios.TIOCSWINSZ, struct.pack("HHHH", rows, columns, 0, 0))

    def _read(self):
        while True:
            try:
                data = os.read(self.master, 65536)
            except OSError:
                return
            if not data:
                return
            self.written += data

    def __enter__(self):
        return self

    def __exit__(self, *_):
        """Waits until everything that was written has been read; every program must have ended."""
        os.close(self.end)
        self.reader.join(10)
        os.close(self.master)

    def raw(self):
        return self.written.decode(errors="replace")

    def text(self):
        """What stands on the screen at last: a carriage return begins the line anew."""
        lines = []
        for line in self.raw().split("\n"):
            shown = ""
            for part in line.split("\r"):
                shown = part + shown[len(part):]
            lines.append(shown.rstrip() if "\r" in line else shown)
        return re.sub(r"\x1b\[[0-9;?]*[A-Za-z]", "", "\n".join(lines))
