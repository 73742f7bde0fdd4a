"""Envoy's side of ext_authz over gRPC, by Google's own libraries and messages made of ops/protobuf."""

import functools
import pathlib
import tempfile

import grpc
import grpc_tools
from google.protobuf import descriptor_pb2, descriptor_pool, message_factory
from grpc_tools import protoc

CHECK = "/envoy.service.auth.v3.Authorization/Check"
FOLDER = pathlib.Path(__file__).parents[2] / "ops" / "protobuf"
OVERWRITE = 2


@functools.cache
def pool():
    """The messages of Envoy's interface, apart from all others that a library may have brought."""
    with tempfile.NamedTemporaryFile(suffix=".pb") as output:
        well_known = pathlib.Path(grpc_tools.__file__).parent / "_proto"
        code = protoc.main([
            "protoc", f"--proto_path={FOLDER}", f"--proto_path={well_known}", "--include_imports",
            f"--descriptor_set_out={output.name}", "envoy/service/auth/v3/external_auth.proto"])
        assert code == 0, "protoc failed"
        files = descriptor_pb2.FileDescriptorSet.FromString(output.read())
    made = descriptor_pool.DescriptorPool()
    for file in files.file:
        made.Add(file)
    return made


@functools.cache
def message(name):
    return message_factory.GetMessageClass(pool().FindMessageTypeByName(f"envoy.service.auth.v3.{name}"))


def request(host, token=None, method="GET", path="/", fields=(), raw=True, scheme="http"):
    """What Envoy asks about a request: with every field as it came, or with those of one name joined."""
    made = message("CheckRequest")()
    http = made.attributes.request.http
    http.method, http.path, http.host, http.scheme = method, path, host, scheme
    fields = [(":authority", host), (":method", method), (":path", path), *fields]
    if token:
        fields.append(("Authorization", f"Bearer {token}"))
    if raw:
        http.header_map.SetInParent()
    for name, value in fields:
        value = value if isinstance(value, bytes) else value.encode()
        if raw:
            http.header_map.headers.add(key=name.lower(), raw_value=value)
        else:
            before = http.headers.get(name.lower())
            http.headers[name.lower()] = f"{before},{value.decode()}" if before is not None else value.decode()
    return made


class Verdict:
    """A verdict in the words of HTTP: what Envoy would do."""

    def __init__(self, response):
        self.response = response
        self.metadata = {
            key: value.string_value or value.number_value for key, value in response.dynamic_metadata.fields.items()}
        self.is_ok = response.status.code == 0
        self.code = response.status.message or None
        said = response.ok_response if self.is_ok else response.denied_response
        assert response.WhichOneof("http_response") == ("ok_response" if self.is_ok else "denied_response")
        self.status = 200 if self.is_ok else said.status.code
        self.body = b"" if self.is_ok else said.body.encode()
        assert all(option.append_action == OVERWRITE for option in said.headers)
        self.headers = [(option.header.key, option.header.value) for option in said.headers]
        self.removed = list(said.headers_to_remove) if self.is_ok else []
        self.removed_parameters = list(said.query_parameters_to_remove) if self.is_ok else []

    def header(self, name):
        values = [value for key, value in self.headers if key.lower() == name.lower()]
        assert len(values) <= 1, f"{name} stands {len(values)} times"
        return values[0] if values else None


class Caller:
    """A connection of Envoy's to the gateway."""

    def __init__(self, port, metadata=()):
        self.channel = grpc.insecure_channel(f"127.0.0.1:{port}", [("grpc.use_local_subchannel_pool", 1)])
        self.metadata = metadata

    def __enter__(self):
        return self

    def __exit__(self, *_):
        self.channel.close()

    def begin(self, host, *arguments, **options):
        """A call under way."""
        call = self.channel.unary_unary(
            CHECK, request_serializer=message("CheckRequest").SerializeToString,
            response_deserializer=message("CheckResponse").FromString)
        return call.future(request(host, *arguments, **options), timeout=20, metadata=self.metadata)

    def ask(self, *arguments, **options):
        return Verdict(self.begin(*arguments, **options).result())

    def call(self, path, body=b"", **options):
        """A call of any method, with any message."""
        return self.channel.unary_unary(path)(body, timeout=20, metadata=self.metadata, **options)


def prefixed(body, compressed=0):
    return bytes([compressed]) + len(body).to_bytes(4, "big") + body
