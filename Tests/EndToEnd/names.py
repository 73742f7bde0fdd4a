"""Names as a gateway sees them: a hosts file and a name server of the test's own, in a mount namespace."""

import itertools
import shlex
import socket
import struct
import subprocess
import threading

ADDRESSES = (f"127.53.{high}.{low}" for high, low in itertools.product(range(1, 250), range(1, 250)))


class NameServer:
    """Knows what it is told; keeps silent about the names below `mute`, and about everything once `is_mute`."""

    def __init__(self):
        self.address = next(ADDRESSES)
        self.socket = socket.socket(socket.AF_INET, socket.SOCK_DGRAM)
        self.socket.bind((self.address, 53))
        self.asked, self.known, self.kept, self.is_mute = [], {}, [], False
        threading.Thread(target=self._serve, daemon=True).start()

    def _serve(self):
        while True:
            try:
                packet, client = self.socket.recvfrom(4096)
            except OSError:
                return
            name, kind = question(packet)
            self.asked.append(name)
            if self.is_mute or name.endswith(".mute"):
                self.kept.append((packet, client))
            else:
                self._answer(packet, client, name, kind)

    def _answer(self, packet, client, name, kind):
        address = self.known.get(name)
        count = 1 if address and kind == 1 else 0
        header = packet[:2] + struct.pack(">HHHHH", 0x8180 if address else 0x8183, 1, count, 0, 0)
        record = b"\xc0\x0c" + struct.pack(">HHIH", 1, 1, 1, 4) + socket.inet_aton(address) if count else b""
        self.socket.sendto(header + packet[12:question_end(packet)] + record, client)

    def times(self, name):
        """How often it was asked for the IPv4 or IPv6 addresses of a name."""
        return self.asked.count(name)

    def speak(self):
        """Answers what it kept silent about, from what it knows by now."""
        self.is_mute = False
        kept, self.kept = self.kept, []
        for packet, client in kept:
            self._answer(packet, client, *question(packet))

    def remove(self):
        self.socket.close()


def question_end(packet):
    index = 12
    while packet[index]:
        index += packet[index] + 1
    return index + 5


def question(packet):
    """The name asked for, and the type: 1 for IPv4."""
    labels, index = [], 12
    while packet[index]:
        labels.append(packet[index + 1:index + 1 + packet[index]].decode())
        index += packet[index] + 1
    return ".".join(labels), struct.unpack(">H", packet[index + 1:index + 3])[0]


class Names:
    """A folder with a `poolgate` that sees this hosts file first, and then asks this name server, where there is one."""

    def __init__(self, folder, binaries, server=None):
        self.folder, self.hosts = folder, folder / "hosts"
        self.set()
        (folder / "nsswitch.conf").write_text(f"hosts: files{' dns' if server else ''}\npasswd: files\n")
        (folder / "resolv.conf").write_text(f"nameserver {server.address}\noptions timeout:5 attempts:2\n" if server else "")
        mounts = " && ".join(
            f"mount --bind {shlex.quote(str(folder / name))} /etc/{name}" for name in ("hosts", "nsswitch.conf", "resolv.conf"))
        self.works = subprocess.run(["unshare", "-m", "sh", "-c", mounts], capture_output=True).returncode == 0
        program = folder / "poolgate"
        program.write_text(f"""#!/bin/sh
exec unshare -m sh -c '{mounts} && exec "$0" "$@"' {shlex.quote(str(binaries / "poolgate"))} "$@"
""")
        program.chmod(0o755)

    def set(self, **addresses):
        """Overwrites the file where it is, since the namespace holds on to it."""
        self.hosts.write_text("127.0.0.1 localhost\n" + "".join(
            f"{address} {name}.test\n" for name, listed in addresses.items() for address in listed))
