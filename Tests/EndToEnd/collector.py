"""A collector of traces: what it takes is read by OpenTelemetry's own definition of the protocol."""

import base64
import http.server
import json
import threading

from google.protobuf import json_format
from opentelemetry.proto.collector.trace.v1.trace_service_pb2 import ExportTraceServiceRequest

from processes import wait_until

IDS = {"traceId": 32, "spanId": 16, "parentSpanId": 16}


class Collector:
    """Takes `POST /v1/traces`; `statuses` are what it answers first, 200 afterwards."""

    def __init__(self, statuses=()):
        self.bodies, self.headers, self.requests, self.statuses = [], [], [], list(statuses)
        collector = self

        class Handler(http.server.BaseHTTPRequestHandler):
            def do_POST(self):
                body = self.rfile.read(int(self.headers["Content-Length"]))
                status = collector.statuses.pop(0) if collector.statuses else 200
                collector.headers.append((self.path, dict(self.headers)))
                if status == 200:
                    collector.bodies.append(body)
                    collector.requests.append(read(body))
                self.send_response(status)
                self.send_header("Content-Length", "2")
                self.end_headers()
                self.wfile.write(b"{}")

            def log_message(self, *_):
                pass
        self.server = http.server.ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()

    def spans(self, trace=None):
        """Every span so far, or those of one trace."""
        every = [span for request in list(self.requests) for resource in request.resource_spans
                 for scope in resource.scope_spans for span in scope.spans]
        return [span for span in every if trace is None or span.trace_id.hex() == trace]

    def wait(self, trace, count):
        wait_until(lambda: len(self.spans(trace)) >= count, 30, f"{count} spans of {trace}")
        return self.spans(trace)

    def remove(self):
        self.server.shutdown()
        self.server.server_close()


def read(body):
    """The message that the bytes are. OTLP writes ids in hexadecimal, where protobuf's own JSON has base64."""
    document = json.loads(body)

    def convert(node):
        if isinstance(node, list):
            for child in node:
                convert(child)
        elif isinstance(node, dict):
            for key, value in node.items():
                if key in IDS:
                    assert len(value) == IDS[key] and value == value.lower(), (key, value)
                    node[key] = base64.b64encode(bytes.fromhex(value)).decode()
                else:
                    convert(value)
    convert(document)
    return json_format.ParseDict(document, ExportTraceServiceRequest(), ignore_unknown_fields=False)


def attributes(span):
    return {each.key: getattr(each.value, each.value.WhichOneof("value")) for each in span.attributes}
