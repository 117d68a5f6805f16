"""TLS by file: certificate and key, judged before anything is served with them."""

from __future__ import annotations

import ssl
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

from tilth.errors import UsageError

if TYPE_CHECKING:
    import grpc

__all__ = ["TlsFiles"]

_EXPIRED, _NOT_YET = 10, 9  # X509_V_ERR_CERT_HAS_EXPIRED and X509_V_ERR_CERT_NOT_YET_VALID of OpenSSL
_MAKE = "write both as PEM, the certificate with those of its issuers below it"


@dataclass(frozen=True)
class TlsFiles:
    """A certificate with its chain, and its key without a passphrase, both as PEM.

    Args:
        certificate: path of the certificate.
        key: path of the private key.
    """

    certificate: Path
    key: Path

    def context(self) -> ssl.SSLContext:
        """For a server that speaks TLS 1.2 or newer with them.

        Raises:
            UsageError: a file that cannot be read or is no PEM, a key of another certificate or with a
                passphrase, a certificate that has expired or is not valid yet.

        Example:
            >>> TlsFiles(Path("nowhere.pem"), Path("nowhere.key")).context()
            Traceback (most recent call last):
            ...
            tilth.errors.UsageError: the certificate cannot be read: No such file or directory
              where: nowhere.pem
        """
        for path, what in ((self.certificate, "certificate"), (self.key, "key")):
            _readable(path, what)
        context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
        context.minimum_version = ssl.TLSVersion.TLSv1_2
        context.set_alpn_protocols(["http/1.1"])
        try:
            context.load_cert_chain(self.certificate, self.key, password=_no_passphrase)
        except _PassphraseError:
            raise UsageError(
                "the key has a passphrase, which nobody could type here",
                where=str(self.key),
                mend="openssl pkey -in KEY -out PLAIN, readable by the server alone",
            ) from None
        except ssl.SSLError as error:
            raise self._wrong(error) from None
        self._check_dates(context)
        return context

    def grpc_credentials(self) -> grpc.ServerCredentials:
        """The same for gRPC, which speaks TLS 1.2 or newer by itself.

        Raises:
            UsageError: as `context`.
        """
        import grpc

        self.context()
        return grpc.ssl_server_credentials([(self.key.read_bytes(), self.certificate.read_bytes())])

    def _wrong(self, error: ssl.SSLError) -> UsageError:
        if error.reason == "KEY_VALUES_MISMATCH":
            return UsageError(
                "the key does not belong to the certificate",
                where=f"{self.certificate} and {self.key}",
                mend="name the key that the certificate was made for",
            )
        is_certificate = b"-----BEGIN CERTIFICATE-----" in self.certificate.read_bytes()
        path, what = (self.key, "private key") if is_certificate else (self.certificate, "certificate")
        return UsageError(f"this is no {what} in the form PEM", where=str(path), mend=_MAKE)

    def _check_dates(self, context: ssl.SSLContext) -> None:
        """Let a client that trusts just this certificate say what it thinks of it: a handshake in memory."""
        trusting = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
        trusting.check_hostname = False
        trusting.verify_flags |= ssl.VERIFY_X509_PARTIAL_CHAIN
        trusting.load_verify_locations(self.certificate)
        try:
            _shake_hands(trusting, context)
        except ssl.SSLCertVerificationError as error:
            dates = {_EXPIRED: "has expired", _NOT_YET: "is not valid yet"}
            if error.verify_code in dates:
                raise UsageError(
                    f"the certificate {dates[error.verify_code]}",
                    where=str(self.certificate),
                    expected="one that is valid now, by the clock of this machine",
                    mend="have it renewed",
                ) from None
            # Anything else, such as a purpose that was not meant for servers, is for real clients to judge.


def _shake_hands(client: ssl.SSLContext, server: ssl.SSLContext) -> None:
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    asking = client.wrap_bio(to_client, to_server)
    answering = server.wrap_bio(to_server, to_client, server_side=True)
    for _ in range(4):
        for side in (asking, answering):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue


class _PassphraseError(Exception):
    """A key asks for one."""


def _no_passphrase() -> str:
    raise _PassphraseError


def _readable(path: Path, what: str) -> None:
    try:
        path.open("rb").close()
    except OSError as error:
        raise UsageError(f"the {what} cannot be read: {error.strerror}", where=str(path)) from None
