"""ext_authz over gRPC as a test plays it: Envoy's messages taken apart and put together by their field numbers."""

import struct
from concurrent import futures

import grpc

from proxy_questions import Played


def varint(number):
    out = b""
    while number >= 128:
        out, number = out + bytes([number & 127 | 128]), number >> 7
    return out + bytes([number])


def field(number, value):
    """One field: numbers as varints, text and messages with their length."""
    if isinstance(value, int):
        return varint(number << 3) + varint(value)
    value = value.encode("latin-1") if isinstance(value, str) else value
    return varint(number << 3 | 2) + varint(len(value)) + value


def fields(message):
    """What a message holds: a list of values for each field number."""
    found, place = {}, 0

    def number():
        nonlocal place
        result = shift = 0
        while True:
            byte = message[place]
            place += 1
            result, shift = result | (byte & 127) << shift, shift + 7
            if byte < 128:
                return result
    while place < len(message):
        key = number()
        if key & 7 == 0:
            value = number()
        else:
            size = {1: 8, 5: 4}.get(key & 7) or number()
            value, place = message[place:place + size], place + size
        found.setdefault(key >> 3, []).append(value)
    return found


class Question:
    """A CheckRequest, with the words of `upstream.Received`."""

    def __init__(self, message):
        http = fields(fields(fields(fields(message)[1][0])[4][0])[2][0])

        def text(number):
            return http.get(number, [b""])[0].decode("latin-1")
        self.method, self.target, self.host = text(2), text(4), text(5)
        self.body = http.get(11, [b""])[0] + http.get(12, [b""])[0]
        lines = fields(http[13][0])[1] if 13 in http else []
        # HeaderMap's lines have raw values.
        self.headers = [tuple((fields(line).get(number, [b""])[0] or fields(line).get(3, [b""])[0]).decode("latin-1")
                              for number in (1, 2)) for line in lines]

    def values(self, name):
        return [value for key, value in self.headers if key == name.lower()]


class Calls:
    """A server that keeps every CheckRequest, and answers as it is told; with the words of `upstream.Upstream`."""

    def __init__(self):
        self.requests, self.peers, self.behave = [], set(), None
        self.server = grpc.server(futures.ThreadPoolExecutor(8))
        handler = grpc.unary_unary_rpc_method_handler(self._check)
        self.server.add_generic_rpc_handlers((
            grpc.method_handlers_generic_handler("envoy.service.auth.v3.Authorization", {"Check": handler}),))
        self.port = self.server.add_insecure_port("127.0.0.1:0")
        self.server.start()

    def _check(self, message, context):
        self.peers.add(context.peer())
        self.requests.append(Question(message))
        return self.behave(self.requests[-1], context, None)

    @property
    def last(self):
        return self.requests[-1]

    @property
    def connections(self):
        return len(self.peers)

    def reset(self):
        self.requests.clear()

    def remove(self):
        self.server.stop(0).wait()


class PlayedCalls(Played):
    """A gateway that answers by gRPC."""

    questions_of = Calls

    def _judge(self, _question, _context, _number):
        if self.status == 200:
            headers = b"".join(option(name, value) for name, value in self.identity)
            return field(1, b"") + field(3, headers)
        headers = b"".join(option(name, value) for name, value in self.fields if name != "X-Poolgate-Code")
        return field(1, field(1, 7)) + field(2, field(1, field(1, self.status)) + headers + field(3, b'{"error":"some"}'))

    def leave(self):
        self.questions.remove()


def option(name, value):
    """A HeaderValueOption in `headers` that overwrites."""
    return field(2, field(1, field(1, name) + field(2, value)) + field(3, 2))


def unavailable(_question, context, _number):
    context.abort(grpc.StatusCode.UNAVAILABLE, "broken")


def nonsense(_question, _context, _number):
    return struct.pack(">I", 0xFFFFFFFF)


def empty_refusal(_question, _context, _number):
    """A status that is not OK, and no word of what to say."""
    return field(1, field(1, 16))
