"""Both ends of HTTP/2 played by the tests, by a library that checks what it is sent and lets one send what is wrong."""

import socket
import struct
import threading
import time

import h2.config
import h2.connection
import h2.events
import h2.settings
import hpack


class Answer:
    """A response as it came, as far as it came."""

    def __init__(self):
        self.status = None
        self.headers, self.trailers, self.interim = [], [], []
        self.body = b""
        self.ended = False
        self.reset = None

    def value(self, name):
        values = [value for key, value in self.headers if key == name]
        assert len(values) <= 1, f"{name} stands {len(values)} times"
        return values[0] if values else None


class Client:
    """A connection by prior knowledge, or over the socket given."""

    def __init__(self, port, connection=None, address="127.0.0.1", window=None):
        self.socket = connection or socket.create_connection((address, port), timeout=20)
        self.socket.settimeout(20)
        self.h2 = h2.connection.H2Connection(h2.config.H2Configuration(
            client_side=True, validate_outbound_headers=False, normalize_outbound_headers=False,
            validate_inbound_headers=True, header_encoding="latin-1"))
        if window is not None:
            self.h2.local_settings.initial_window_size = window
        self.h2.initiate_connection()
        self.answers = {}
        self.goaways = []
        self.closed = False
        self.credits = True
        self.flush()

    def flush(self):
        if data := self.h2.data_to_send():
            self.socket.sendall(data)

    def raw(self, kind, flags, stream, payload=b""):
        """A frame as it is written here."""
        self.flush()
        self.socket.sendall(struct.pack(">I", len(payload))[1:] + bytes([kind, flags]) + struct.pack(">I", stream) + payload)

    @staticmethod
    def block(fields):
        """A header block of literals (RFC 7541 §6.2.2), whatever they hold."""
        def text(value):
            value = value if isinstance(value, bytes) else value.encode("latin-1")
            return hpack.hpack.encode_integer(len(value), 7) + value
        return b"".join(b"\0" + bytes(text(name)) + bytes(text(value)) for name, value in fields)

    def send(self, host, token=None, method="GET", path="/", fields=(), body=b"", end=True, scheme="http"):
        """Sends a request; its stream's number."""
        stream = self.h2.get_next_available_stream_id()
        headers = [(":method", method), (":scheme", scheme), (":authority", host), (":path", path)]
        if token:
            headers.append(("authorization", f"Bearer {token}"))
        headers += list(fields)
        self.h2.send_headers(stream, headers, end_stream=end and not body)
        self.answers[stream] = Answer()
        self.flush()
        if body:
            self.send_body(stream, body, end)
        return stream

    def send_body(self, stream, body, end=True):
        """Sends a body as far as the windows go, and waits where they are shut; no further than the other side wants it."""
        view = memoryview(body)
        while view and not self.closed and self.answers[stream].reset is None:
            count = min(self.h2.local_flow_control_window(stream), self.h2.max_outbound_frame_size, len(view))
            if count == 0:
                self.read()
                continue
            self.h2.send_data(stream, bytes(view[:count]), end_stream=end and count == len(view))
            view = view[count:]
            self.flush()

    def end(self, stream, trailers=None):
        if trailers:
            self.h2.send_headers(stream, trailers, end_stream=True)
        else:
            self.h2.end_stream(stream)
        self.flush()

    def read(self, timeout=20):
        """Reads once; false where nothing came in that time or the connection is over."""
        self.socket.settimeout(timeout)
        try:
            data = self.socket.recv(65536)
        except TimeoutError:
            return False
        except ConnectionError:
            data = b""
        if not data:
            self.closed = True
            return False
        for event in self.h2.receive_data(data):
            self.take(event)
        self.flush()
        return True

    def take(self, event):
        answer = self.answers.get(getattr(event, "stream_id", None))
        match event:
            case h2.events.InformationalResponseReceived():
                answer.interim.append(dict(event.headers))
            case h2.events.ResponseReceived():
                answer.headers = [field for field in event.headers if not field[0].startswith(":")]
                answer.status = int(dict(event.headers)[":status"])
            case h2.events.DataReceived():
                answer.body += event.data
                if self.credits:
                    self.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
            case h2.events.TrailersReceived():
                answer.trailers = list(event.headers)
            case h2.events.StreamEnded():
                answer.ended = True
            case h2.events.StreamReset():
                if answer:
                    answer.reset = event.error_code
            case h2.events.ConnectionTerminated():
                self.goaways.append((event.last_stream_id, event.error_code))

    def wait(self, stream, seconds=20):
        """The answer of a stream, once it has ended one way or the other."""
        answer, end = self.answers[stream], time.monotonic() + seconds
        while not (answer.ended or answer.reset is not None or self.closed) and time.monotonic() < end:
            self.read(max(0.01, end - time.monotonic()))
        return answer

    def wait_any(self, streams):
        """The first of these streams that has ended."""
        while not (ended := [stream for stream in streams if self.answers[stream].ended]):
            assert self.read()
        return ended[0]

    def wait_head(self, stream):
        answer, end = self.answers[stream], time.monotonic() + 10
        while answer.status is None and not self.closed and time.monotonic() < end:
            self.read(end - time.monotonic())
        return answer

    def get(self, host, token=None, **options):
        return self.wait(self.send(host, token, **options))

    def wait_closed(self, seconds=20):
        """Whether the gateway ends the connection within this time."""
        end = time.monotonic() + seconds
        while not self.closed and time.monotonic() < end:
            self.read(max(0.01, end - time.monotonic()))
        return self.closed

    def close(self):
        self.socket.close()


class Call:
    """One request at the server, and the way to answer it."""

    def __init__(self, connection, stream, headers):
        self.connection, self.stream = connection, stream
        self.headers = headers
        self.body = b""
        self.trailers = []
        self.ended = threading.Event()
        self.reset = threading.Event()

    def value(self, name):
        values = [value for key, value in self.headers if key == name]
        assert len(values) <= 1, f"{name} stands {len(values)} times"
        return values[0] if values else None

    def answer(self, status=200, fields=(), body=b"", end=True, trailers=None):
        headers = [(":status", str(status)), *fields]
        with self.connection.lock:
            self.connection.h2.send_headers(self.stream, headers, end_stream=end and not body and not trailers)
            self.connection.flush()
        if body or trailers:
            self.send(body, end and not trailers)
        if trailers:
            with self.connection.lock:
                self.connection.h2.send_headers(self.stream, trailers, end_stream=True)
                self.connection.flush()

    def send(self, body, end=False):
        view = memoryview(body)
        while True:
            with self.connection.lock:
                h2c = self.connection.h2
                count = min(h2c.local_flow_control_window(self.stream), h2c.max_outbound_frame_size, len(view))
                if count or not view:
                    h2c.send_data(self.stream, bytes(view[:count]), end_stream=end and count == len(view))
                    self.connection.flush()
                    view = view[count:]
                    if not view:
                        return
                    continue
            self.connection.credit.wait(0.2)
            self.connection.credit.clear()
            if self.reset.is_set() or self.connection.gone:
                return

    def cancel(self, code=8):
        with self.connection.lock:
            self.connection.h2.reset_stream(self.stream, code)
            self.connection.flush()


class Peer:
    """A connection at the server."""

    def __init__(self, server, connection):
        self.server, self.socket = server, connection
        self.lock = threading.RLock()
        self.credit = threading.Event()
        self.gone = False
        self.calls = {}
        self.h2 = h2.connection.H2Connection(h2.config.H2Configuration(
            client_side=False, header_encoding="latin-1", validate_outbound_headers=False,
            normalize_outbound_headers=False))
        if server.streams is not None:
            # Changed in place, it would be told only by a second SETTINGS.
            self.h2.local_settings = h2.settings.Settings(client=False, initial_values={
                h2.settings.SettingCodes.MAX_CONCURRENT_STREAMS: server.streams})
        self.h2.initiate_connection()
        self.flush()

    def flush(self):
        if data := self.h2.data_to_send():
            self.socket.sendall(data)

    def serve(self):
        try:
            while data := self.socket.recv(65536):
                with self.lock:
                    events = self.h2.receive_data(data)
                    for event in events:
                        if isinstance(event, h2.events.DataReceived) and self.server.credits:
                            self.h2.acknowledge_received_data(event.flow_controlled_length, event.stream_id)
                    self.flush()
                for event in events:
                    self.take(event)
        except (OSError, h2.exceptions.ProtocolError):
            pass
        finally:
            self.gone = True
            for call in self.calls.values():
                call.reset.set()
            self.socket.close()

    def take(self, event):
        match event:
            case h2.events.RequestReceived():
                call = Call(self, event.stream_id, list(event.headers))
                self.calls[event.stream_id] = call
                self.server.calls.append(call)
                if self.server.behave and not self.server.waits:
                    threading.Thread(target=self.server.behave, args=(call,), daemon=True).start()
            case h2.events.DataReceived():
                self.calls[event.stream_id].body += event.data
            case h2.events.TrailersReceived():
                self.calls[event.stream_id].trailers = list(event.headers)
            case h2.events.StreamEnded():
                call = self.calls[event.stream_id]
                call.ended.set()
                if self.server.behave and self.server.waits:
                    threading.Thread(target=self.server.behave, args=(call,), daemon=True).start()
            case h2.events.StreamReset():
                self.calls[event.stream_id].reset.set()
            case h2.events.WindowUpdated():
                self.credit.set()


class Server:
    """An upstream that speaks HTTP/2 in clear. `behave(call)` answers in a thread of its own, once the request is whole or,
    where `waits` is false, once its head came."""

    def __init__(self, behave=None, waits=True, streams=None, context=None):
        self.behave = behave or (lambda call: call.answer(200, [("content-type", "text/plain")], b"hello"))
        self.waits, self.streams, self.context = waits, streams, context
        self.credits = True
        self.calls, self.peers = [], []
        self.listener = socket.create_server(("127.0.0.1", 0), backlog=128)
        self.port = self.listener.getsockname()[1]
        self.url = f"{'h2' if context else 'h2c'}://127.0.0.1:{self.port}"
        threading.Thread(target=self._accept, daemon=True).start()

    def _accept(self):
        while True:
            try:
                connection, _ = self.listener.accept()
            except OSError:
                return
            threading.Thread(target=self._serve, args=(connection,), daemon=True).start()

    def _serve(self, connection):
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        try:
            if self.context:
                connection = self.context.wrap_socket(connection, server_side=True)
            peer = Peer(self, connection)
        except OSError:
            return
        self.peers.append(peer)
        peer.serve()

    @property
    def last(self):
        return self.calls[-1]

    def wait_call(self, count=1):
        end = time.monotonic() + 30
        while len(self.calls) < count:
            assert time.monotonic() < end, "no call came"
            time.sleep(0.005)
        return self.calls[count - 1]

    def remove(self):
        self.listener.close()
        for peer in self.peers:
            try:
                peer.socket.shutdown(socket.SHUT_RDWR)
            except OSError:
                pass
            peer.socket.close()
