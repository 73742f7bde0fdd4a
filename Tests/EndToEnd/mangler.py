"""A link between gateway and database that loses, repeats and cuts what it carries."""

import socket
import struct
import threading


class Mangler:
    """Passes Postgres' protocol on. `fault` says what happens to rows of results that have the column `column`: "drop"
    leaves the third out, "double" sends it twice, "swap" sends the second in its place, "cut" ends the connection there."""

    def __init__(self, database):
        self.listener = socket.create_server(("127.0.0.1", 0))
        self.target = ("127.0.0.1", database.server.port)
        port = self.listener.getsockname()[1]
        self.url = f"postgresql://postgres@127.0.0.1:{port}/{database.name}?sslmode=disable&gssencmode=disable"
        self.fault, self.column = None, None
        self.mangled = 0
        self.open = []
        threading.Thread(target=self._accept, daemon=True).start()

    def set(self, fault, column=None):
        """From the next connections on; those that are open end."""
        self.fault, self.column, self.mangled = fault, column, 0
        self.cut()

    def cut(self):
        for connection in self.open:
            try:
                connection.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
        self.open = []

    def _accept(self):
        while True:
            try:
                client, _ = self.listener.accept()
            except OSError:
                return
            server = socket.create_connection(self.target)
            self.open += [client, server]
            threading.Thread(target=self._raw, args=(client, server), daemon=True).start()
            threading.Thread(target=self._rows, args=(server, client), daemon=True).start()

    def _raw(self, source, sink):
        try:
            while data := source.recv(65536):
                sink.sendall(data)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def _rows(self, source, sink):
        reader = source.makefile("rb")
        is_meant, row, before = False, 0, b""
        try:
            while head := reader.read(5):
                kind, length = struct.unpack("!cI", head)
                message = head + reader.read(length - 4)
                if kind == b"T":
                    is_meant, row = self.column is not None and self.column.encode() + b"\0" in message, 0
                elif kind == b"D" and is_meant:
                    row += 1
                    if row == 3 and self.fault:
                        self.mangled += 1
                        message = {"drop": b"", "double": message * 2, "swap": before, "cut": None}[self.fault]
                        if message is None:
                            source.shutdown(socket.SHUT_RDWR)
                            sink.shutdown(socket.SHUT_RDWR)
                            return
                    before = message
                sink.sendall(message)
            sink.shutdown(socket.SHUT_WR)
        except OSError:
            pass

    def remove(self):
        self.listener.close()
        self.cut()
