"""HTTP/1.1 by the byte: a client that says exactly what it is told, and reads answers strictly."""

import json
import socket


class Answer:
    """What came back: status, headers in order, body, and whether the end was the framing's own."""

    def __init__(self, status, headers, body, whole=True, version=b"HTTP/1.1"):
        self.status, self.headers, self.body, self.whole, self.version = status, headers, body, whole, version

    def header(self, name):
        values = [value for key, value in self.headers if key.lower() == name.lower()]
        assert len(values) <= 1, f"{name} stands {len(values)} times"
        return values[0] if values else None

    @property
    def json(self):
        return json.loads(self.body)

    @property
    def error(self):
        return self.json["error"]


class Connection:
    """One connection to a server on loopback."""

    def __init__(self, port, timeout=20):
        self.socket = socket.create_connection(("127.0.0.1", port), timeout=timeout)
        self.socket.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        self.buffer = b""

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.socket.close()

    def send(self, data):
        self.socket.sendall(data)

    def request(self, method, path, host, token=None, headers=(), body=b""):
        self.send(request(method, path, host, token, headers, body))
        return self.read(is_head=method == "HEAD")

    def _more(self):
        data = self.socket.recv(65536)
        self.buffer += data
        return bool(data)

    def _take(self, count):
        """So many bytes, and whether that many came before the end; what has come stays where waiting for more fails."""
        parts, length = [self.buffer], len(self.buffer)
        try:
            while length < count and (data := self.socket.recv(65536)):
                parts.append(data)
                length += len(data)
        finally:
            self.buffer = b"".join(parts)
        taken, self.buffer = self.buffer[:count], self.buffer[count:]
        return taken, length >= count

    def _rest(self):
        """Everything up to the end, and whether that was no reset."""
        parts, whole = [self.buffer], True
        try:
            while data := self.socket.recv(65536):
                parts.append(data)
        except ConnectionResetError:
            whole = False
        finally:
            self.buffer = b"".join(parts)
        taken, self.buffer = self.buffer, b""
        return taken, whole

    def line(self):
        while b"\r\n" not in self.buffer:
            if not self._more():
                raise ConnectionError(f"the connection ended inside a line: {self.buffer!r}")
        line, self.buffer = self.buffer.split(b"\r\n", 1)
        return line

    def read(self, is_head=False, interim=None):
        """The next final answer; interim ones go to `interim`."""
        while True:
            version, status, _ = (self.line() + b"  ").split(b" ", 2)
            headers = self.fields()
            if int(status) >= 200 or int(status) == 101:
                break
            if interim is not None:
                interim.append(int(status))
        answer = Answer(int(status), headers, b"", version=version)
        if is_head or int(status) in (101, 204, 304):
            return answer
        if answer.header("Transfer-Encoding"):
            answer.body, answer.whole = self.chunks()
        elif answer.header("Content-Length") is not None:
            answer.body, answer.whole = self._take(int(answer.header("Content-Length")))
        else:
            answer.body, answer.whole = self._rest()
        return answer

    def fields(self):
        headers = []
        while line := self.line():
            name, value = line.split(b":", 1)
            headers.append((name.decode("latin-1"), value.strip(b" \t").decode("latin-1")))
        return headers

    def chunks(self):
        parts = []
        self.trailers = []
        try:
            while True:
                size = int(self.line().split(b";")[0], 16)
                if size == 0:
                    self.trailers = self.fields()
                    return b"".join(parts), True
                chunk, whole = self._take(size)
                parts.append(chunk)
                if not whole or self.line() != b"":
                    return b"".join(parts), False
        except ConnectionError:
            return b"".join(parts), False

    def is_closed(self):
        """Whether the server ends the connection now, having sent nothing more."""
        try:
            return self.buffer == b"" and self.socket.recv(1) == b""
        except ConnectionResetError:
            return True


def request(method, path, host, token=None, headers=(), body=b""):
    lines = [f"{method} {path} HTTP/1.1", f"Host: {host}"]
    if token is not None:
        lines.append(f"Authorization: Bearer {token}")
    lines += [f"{name}: {value}" for name, value in headers]
    if body and not any(name.lower() in ("content-length", "transfer-encoding") for name, _ in headers):
        lines.append(f"Content-Length: {len(body)}")
    return "\r\n".join(lines).encode("latin-1") + b"\r\n\r\n" + body
