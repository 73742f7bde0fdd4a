"""An authority of the tests' own, and the certificates that it issues."""

import datetime
import ipaddress
import ssl

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec
from cryptography.x509.oid import NameOID

from wire import Connection

DAY = datetime.timedelta(days=1)


class Authority:
    """Its own certificate stands at `folder/NAME.pem`."""

    def __init__(self, folder, name="authority"):
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)])
        self.file = folder / f"{name}.pem"
        certificate = self._builder(self.name, self.key, DAY).add_extension(
            x509.BasicConstraints(ca=True, path_length=None), critical=True).sign(self.key, hashes.SHA256())
        self.file.write_bytes(certificate.public_bytes(serialization.Encoding.PEM))

    def _builder(self, name, key, lifetime, since=-7 * DAY):
        now = datetime.datetime.now(datetime.timezone.utc)
        return (x509.CertificateBuilder().subject_name(name).issuer_name(self.name).public_key(key.public_key())
                .serial_number(x509.random_serial_number()).not_valid_before(now + since)
                .not_valid_after(now + lifetime))

    def issue(self, folder, name, *hosts, lifetime=DAY, since=-7 * DAY):
        """Writes `NAME.key` and `NAME.crt` for these hosts; the common name is the pair's, which no client asks for."""
        key = ec.generate_private_key(ec.SECP256R1())
        certificate = self._builder(x509.Name([x509.NameAttribute(NameOID.COMMON_NAME, name)]), key, lifetime, since).add_extension(
            x509.SubjectAlternativeName([alternative_name(host) for host in hosts]), critical=False,
        ).sign(self.key, hashes.SHA256())
        (folder / f"{name}.key").write_bytes(key.private_bytes(
            serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8, serialization.NoEncryption()))
        (folder / f"{name}.crt").write_bytes(certificate.public_bytes(serialization.Encoding.PEM))

    def client(self):
        """A client that verifies by this authority."""
        context = ssl.create_default_context(cafile=str(self.file))
        context.set_alpn_protocols(["http/1.1"])
        return context

    def connect(self, port, name, before=b""):
        """A verified TLS connection for the host `name`; `before` goes first, in clear."""
        connection = Connection(port)
        connection.send(before)
        connection.socket = self.client().wrap_socket(connection.socket, server_hostname=name)
        return connection


def alternative_name(host):
    try:
        return x509.IPAddress(ipaddress.ip_address(host))
    except ValueError:
        return x509.DNSName(host)


def server(folder, name):
    """The server's side of a pair, for an upstream that a test plays."""
    context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
    context.load_cert_chain(folder / f"{name}.crt", folder / f"{name}.key")
    return context


def shown_by(connection):
    """The DNS names of the certificate that the server showed."""
    return {value for kind, value in connection.socket.getpeercert()["subjectAltName"] if kind == "DNS"}
