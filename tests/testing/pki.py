"""Certificates and kubeconfigs of a bed: one authority per run, thrown away with it."""

import base64
import datetime
import ipaddress
import json
from pathlib import Path

from cryptography import x509
from cryptography.hazmat.primitives import hashes, serialization
from cryptography.hazmat.primitives.asymmetric import ec, rsa
from cryptography.x509.oid import ExtendedKeyUsageOID, NameOID

SERVICE_NAMES = ["localhost", "kubernetes", "kubernetes.default", "kubernetes.default.svc",
                 "kubernetes.default.svc.cluster.local"]


def pem(key) -> bytes:
    return key.private_bytes(serialization.Encoding.PEM, serialization.PrivateFormat.PKCS8,
                             serialization.NoEncryption())


def name_of(user: str, groups: tuple = ()) -> x509.Name:
    """A client certificate's subject as Kubernetes reads it: CN is the user, each O a group."""
    return x509.Name([x509.NameAttribute(NameOID.ORGANIZATION_NAME, group) for group in groups] +
                     [x509.NameAttribute(NameOID.COMMON_NAME, user)])


class Authority:
    def __init__(self, folder: Path):
        self.folder = folder
        folder.mkdir(mode=0o700)
        self.key = ec.generate_private_key(ec.SECP256R1())
        self.name = name_of("test-bed-ca")
        self.certificate = (
            self._builder(self.name, self.key)
            .add_extension(x509.BasicConstraints(ca=True, path_length=None), critical=True)
            .sign(self.key, hashes.SHA256()))
        self.write("ca.crt", self.certificate.public_bytes(serialization.Encoding.PEM))
        self.write("ca.key", pem(self.key))
        account_key = rsa.generate_private_key(65537, 2048)
        self.write("sa.key", pem(account_key))
        self.write("sa.pub", account_key.public_key().public_bytes(
            serialization.Encoding.PEM, serialization.PublicFormat.SubjectPublicKeyInfo))

    def write(self, name: str, data: bytes) -> Path:
        path = self.folder / name
        path.touch(mode=0o600)
        path.write_bytes(data)
        return path

    def _builder(self, subject: x509.Name, key) -> x509.CertificateBuilder:
        now = datetime.datetime.now(datetime.timezone.utc)
        return (x509.CertificateBuilder().subject_name(subject).issuer_name(self.name).public_key(key.public_key())
                .serial_number(x509.random_serial_number())
                .not_valid_before(now - datetime.timedelta(hours=1))
                .not_valid_after(now + datetime.timedelta(days=365)))

    def _issue(self, file: str, subject: x509.Name, usage, names: list) -> tuple[Path, Path]:
        key = ec.generate_private_key(ec.SECP256R1())
        builder = (self._builder(subject, key)
                   .add_extension(x509.BasicConstraints(ca=False, path_length=None), critical=True)
                   .add_extension(x509.ExtendedKeyUsage([usage]), critical=False))
        if names:
            builder = builder.add_extension(x509.SubjectAlternativeName(names), critical=False)
        certificate = builder.sign(self.key, hashes.SHA256())
        return (self.write(f"{file}.crt", certificate.public_bytes(serialization.Encoding.PEM)),
                self.write(f"{file}.key", pem(key)))

    def server(self, file: str, addresses: list[str], names: list[str]) -> tuple[Path, Path]:
        alternatives = ([x509.IPAddress(ipaddress.ip_address(address)) for address in addresses] +
                        [x509.DNSName(name) for name in names])
        return self._issue(file, name_of(file), ExtendedKeyUsageOID.SERVER_AUTH, alternatives)

    def client(self, file: str, user: str, groups: tuple = ()) -> tuple[Path, Path]:
        return self._issue(file, name_of(user, groups), ExtendedKeyUsageOID.CLIENT_AUTH, [])

    def kubeconfig(self, file: str, server: str, user: dict) -> Path:
        """A kubeconfig with everything embedded. JSON is YAML, so kubectl and the operator read it."""
        document = {
            "apiVersion": "v1", "kind": "Config", "current-context": "bed", "preferences": {},
            "clusters": [{"name": "bed", "cluster": {
                "server": server, "certificate-authority-data": encoded(self.folder / "ca.crt")}}],
            "users": [{"name": file, "user": user}],
            "contexts": [{"name": "bed", "context": {"cluster": "bed", "user": file}}],
        }
        return self.write(f"{file}.kubeconfig", json.dumps(document, indent=1).encode())

    def client_kubeconfig(self, file: str, server: str, user: str, groups: tuple = ()) -> Path:
        certificate, key = self.client(file, user, groups)
        return self.kubeconfig(file, server, {"client-certificate-data": encoded(certificate),
                                              "client-key-data": encoded(key)})


def encoded(path: Path) -> str:
    return base64.b64encode(path.read_bytes()).decode()
