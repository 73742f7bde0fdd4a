"""An upstream that records every byte it receives and answers as it is told."""

import contextlib
import json
import socket
import threading


class Received:
    """One request as it arrived."""

    def __init__(self, raw_head, body, trailers=()):
        self.raw_head, self.body, self.trailers = raw_head, body, list(trailers)
        start, *lines = raw_head.split(b"\r\n")
        self.method, self.target, self.version = start.decode("latin-1").split(" ")
        self.headers = [tuple(part.strip(b" \t").decode("latin-1") for part in line.split(b":", 1)) for line in lines]

    def values(self, name):
        return [value for key, value in self.headers if key.lower() == name.lower()]

    def value(self, name):
        values = self.values(name)
        assert len(values) <= 1, f"{name} stands {len(values)} times"
        return values[0] if values else None


class Upstream:
    """Each connection has a thread; `behave(received, socket, number)` answers, the default as JSON."""

    def __init__(self):
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=512)
        self.port = self.listener.getsockname()[1]
        self.requests = []
        self.connections = 0
        self.behave = None
        self.open = set()
        threading.Thread(target=self._accept, daemon=True).start()

    @property
    def url(self):
        return f"http://127.0.0.1:{self.port}"

    @property
    def last(self):
        return self.requests[-1]

    def reset(self):
        self.behave = None
        self.requests.clear()

    def remove(self):
        self.listener.close()
        for connection in list(self.open):
            connection.close()

    def end_connections(self):
        """Ends those that are open, from this side."""
        for connection in list(self.open):
            # Its thread may have closed it meanwhile.
            with contextlib.suppress(OSError):
                connection.shutdown(socket.SHUT_RDWR)

    def _accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            self.connections += 1
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            threading.Thread(target=self._serve, args=(connection, self.connections), daemon=True).start()

    def _serve(self, connection, number):
        self.open.add(connection)
        reader = connection.makefile("rb")
        try:
            while (received := read_request(reader, connection)) is not None:
                self.requests.append(received)
                answer = (self.behave or default)(received, connection, number)
                if answer is None:
                    return
                connection.sendall(answer)
        except (OSError, ValueError):
            pass
        finally:
            self.open.discard(connection)
            connection.close()


def read_head(reader):
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        line = reader.readline()
        if not line:
            return None
        head += line
    return head[:-4]


def read_request(reader, connection):
    head = read_head(reader)
    if head is None:
        return None
    received = Received(head, b"")
    if received.value("Expect"):
        connection.sendall(b"HTTP/1.1 100 Continue\r\n\r\n")
    if received.value("Transfer-Encoding"):
        body = b""
        while size := int(reader.readline(), 16):
            body += exactly(reader, size)
            assert reader.readline() == b"\r\n"
        trailers = []
        while (line := reader.readline()) not in (b"\r\n", b""):
            trailers.append(line.strip().decode("latin-1"))
        return Received(head, body, trailers)
    length = received.value("Content-Length")
    return Received(head, exactly(reader, int(length)) if length else b"")


def exactly(reader, count):
    data = reader.read(count)
    if len(data) < count:
        raise ValueError("the request ended inside its body")
    return data


def default(received, _socket, _number):
    body = json.dumps({
        "method": received.method, "target": received.target, "headers": received.headers,
        "body": received.body[:4096].decode("latin-1"), "bodyBytes": len(received.body)}).encode()
    return answer(200, body, [("Content-Type", "application/json")], is_head=received.method == "HEAD")


def answer(status, body=b"", headers=(), is_head=False):
    lines = [f"HTTP/1.1 {status} X"] + [f"{name}: {value}" for name, value in headers]
    if status not in (204, 304):
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + (b"" if is_head else body)
