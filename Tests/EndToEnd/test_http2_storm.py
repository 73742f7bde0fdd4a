"""Header compression as a weapon, and storms of frames that make no sense: the gateway lives, and others are served."""

import os
import random
import socket
import time

import hpack
import pytest

from h2wire import Client
from test_http2_hostile import Raw, frame, plain

#: How long the storm lasts; minutes of it are run by hand.
SECONDS = float(os.environ.get("POOLGATE_STORM_SECONDS", "4"))


def integer(number, bits, flags):
    """A number as header compression writes it (RFC 7541 §5.1)."""
    encoded = hpack.hpack.encode_integer(number, bits)
    encoded[0] |= flags
    return bytes(encoded)


def literal(name, value, flags=0x40):
    """A field that joins the table."""
    return bytes([flags]) + integer(len(name), 7, 0) + name + integer(len(value), 7, 0) + value


BOMBS = {
    # One field of 4,000 bytes that is meant 16,000 times: 64 MiB of a frame of 20 KiB.
    "a field meant again and again": lambda base: base + literal(b"x", b"a" * 4_000) + integer(62, 7, 0x80) * 12_000,
    "empty values of a long name": lambda base: base + literal(b"x" * 4_000, b"") + integer(62, 7, 0x80) * 12_000,
    "an index that is not there": lambda base: base + integer(1_000, 7, 0x80),
    "index 0": lambda base: base + b"\x80",
    "a number without end": lambda base: base + b"\xff" + b"\xff" * 200 + b"\0",
    "a length beyond the block": lambda base: base + b"\0" + integer(1, 7, 0) + b"x" + integer(1 << 20, 7, 0) + b"a",
    "a table larger than allowed": lambda base: integer(1 << 20, 5, 0x20) + base,
    "a table that changes behind a field": lambda base: base + integer(0, 5, 0x20),
    "bad Huffman code": lambda base: base + b"\0" + integer(1, 7, 0) + b"x" + integer(4, 7, 0x80) + b"\xff\xff\xff\xff",
    "a table that changes without end": lambda base: (integer(0, 5, 0x20) + integer(4_096, 5, 0x20)) * 4_000 + base,
}
#: What libnghttp2 takes, since it costs no more than its bytes: within the bound of a head's frames, the request is served.
HARMLESS = {"a table that changes without end"}


@pytest.mark.parametrize("name", BOMBS)
def test_header_compression_is_no_weapon(tenant, gateway, upstream, name):
    """It is refused, or ends its connection; the gateway holds no more than before, and nothing reaches an upstream."""
    before, spent = gateway.rss_mib(), cpu(gateway)
    block = BOMBS[name](Client.block(plain(tenant.host) + [("authorization", f"Bearer {tenant.token()}")]))
    for _ in range(10):
        client = Client(gateway.port)
        pieces = [block[index:index + 16_384] for index in range(0, len(block), 16_384)]
        client.raw(1, 1 | (4 if len(pieces) == 1 else 0), 1, pieces[0])
        for number, piece in enumerate(pieces[1:], 2):
            client.raw(9, 4 if number == len(pieces) else 0, 1, piece)
        status, reset = Raw(client).outcome(1)
        assert (status == 200) == (name in HARMLESS) and (status or reset)
        client.close()
    assert name in HARMLESS or upstream.requests == []
    assert gateway.rss_mib() - before < 24 and cpu(gateway) - spent < 10
    assert tenant.get(tenant.token()).status == 200


def cpu(gateway):
    with open(f"/proc/{gateway.process.pid}/stat") as file:
        fields = file.read().rsplit(")", 1)[1].split()
    return (int(fields[11]) + int(fields[12])) / os.sysconf("SC_CLK_TCK")


class Storm:
    """Frames by chance: most make sense of themselves, few make sense together."""

    def __init__(self, seed, host, token):
        self.random = random.Random(seed)
        self.good = Client.block(plain(host) + [("authorization", f"Bearer {token}")])
        self.post = Client.block([(":method", "POST")] + plain(host)[1:] + [("authorization", f"Bearer {token}")])
        self.next = 1

    def piece(self):
        chance = self.random
        stream = chance.choice([0, 1, self.next, max(1, self.next - 2 * chance.randrange(1, 9)), chance.randrange(1, 1 << 12)])
        kind = chance.choices(range(12), [3, 8, 1, 2, 1, 1, 1, 1, 3, 1, 1, 1])[0]
        flags = chance.choice([0, 1, 4, 5, 8, 0x20, chance.randrange(256)])
        if kind == 1:
            if chance.random() < 0.8:
                stream, self.next = self.next, self.next + 2
            block = chance.choice([self.good, self.post, self.good[:chance.randrange(len(self.good))], chance.randbytes(40)])
            return frame(1, chance.choice([4, 5, 5, flags]), stream, block)
        if kind == 0:
            return frame(0, flags, stream, chance.randbytes(chance.choice([0, 1, 100, 16_384])))
        if kind == 3:
            return frame(3, 0, stream, chance.randbytes(4))
        if kind == 4:
            return frame(4, 0, 0, b"".join(chance.choice([1, 2, 3, 4, 5, 6, 9]).to_bytes(2, "big") + chance.choice(
                [0, 1, 65_535, 1 << 20, (1 << 31) - 1, (1 << 32) - 1]).to_bytes(4, "big") for _ in range(chance.randrange(3))))
        if kind == 8:
            return frame(8, 0, chance.choice([0, stream]), chance.choice([0, 1, 1_000, 1 << 20, (1 << 31) - 1]).to_bytes(4, "big"))
        return frame(kind, flags, stream, chance.randbytes(chance.choice([0, 4, 5, 8, 20])))


def test_a_storm(tenant, gateway):
    """Connections by chance, frames by chance, cut by chance, ended by chance: in between a tenant is served every time."""
    seed = int(time.time())
    chance = random.Random(seed)
    before, until, count = gateway.rss_mib(), time.monotonic() + SECONDS, 0
    token = tenant.token()
    while time.monotonic() < until:
        count += 1
        storm = Storm(chance.random(), tenant.host, token)
        connection = socket.create_connection(("127.0.0.1", gateway.port), timeout=5)
        try:
            connection.sendall(b"PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n" + frame(4, 0, 0))
            for _ in range(chance.choice([1, 10, 100, 400])):
                data = b"".join(storm.piece() for _ in range(chance.randrange(1, 9)))
                cut = chance.randrange(len(data) + 1)
                connection.sendall(data[:cut])
                connection.sendall(data[cut:])
            if chance.random() < 0.5:
                connection.settimeout(0.05)
                while connection.recv(65_536):
                    pass
        except OSError:
            pass
        if chance.random() < 0.3:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, b"\1\0\0\0\0\0\0\0")
        connection.close()
        if count % 20 == 0:
            assert tenant.get(token).status == 200, seed
    assert tenant.get(token).status == 200, seed
    assert gateway.rss_mib() - before < 64, seed
    print(f"{count} connections, {gateway.rss_mib() - before:.1f} MiB more")
