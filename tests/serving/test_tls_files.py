"""Certificates and keys are judged before anything is served with them."""

from __future__ import annotations

import ssl
from pathlib import Path

import pytest
from certificates import make_certificate

from tilth.errors import UsageError
from tilth.serving.tls import TlsFiles


def test_a_good_pair_speaks_tls_1_2_or_newer(tmp_path: Path) -> None:
    files = make_certificate(tmp_path)
    assert files.context().minimum_version is ssl.TLSVersion.TLSv1_2
    assert files.grpc_credentials() is not None


@pytest.mark.parametrize(
    ("begins", "ends", "words"),
    [(-3, -1, "the certificate has expired"), (1, 3, "the certificate is not valid yet")],
)
def test_dates(tmp_path: Path, begins: int, ends: int, words: str) -> None:
    with pytest.raises(UsageError, match=words):
        make_certificate(tmp_path, begins=begins, ends=ends).context()


def test_a_key_of_another_certificate(tmp_path: Path) -> None:
    one, other = make_certificate(tmp_path, "one"), make_certificate(tmp_path, "other")
    with pytest.raises(UsageError, match="the key does not belong to the certificate"):
        TlsFiles(one.certificate, other.key).context()


def test_a_key_with_a_passphrase_is_refused_and_nobody_is_asked(tmp_path: Path) -> None:
    with pytest.raises(UsageError, match="the key has a passphrase"):
        make_certificate(tmp_path, passphrase=b"secret").context()


def test_files_that_are_something_else(tmp_path: Path) -> None:
    files = make_certificate(tmp_path)
    junk = tmp_path / "junk"
    junk.write_bytes(b"\x00\xff" * 1000)
    with pytest.raises(UsageError, match="this is no private key in the form PEM") as caught:
        TlsFiles(files.certificate, junk).context()
    assert caught.value.where == str(junk)
    with pytest.raises(UsageError, match="this is no certificate in the form PEM") as caught:
        TlsFiles(junk, files.key).context()
    assert caught.value.where == str(junk)
    with pytest.raises(UsageError, match="this is no certificate"):
        TlsFiles(files.key, files.certificate).context()
    with pytest.raises(UsageError, match="the key cannot be read: No such file"):
        TlsFiles(files.certificate, tmp_path / "none").context()
    with pytest.raises(UsageError, match="the certificate cannot be read: Is a directory"):
        TlsFiles(tmp_path, files.key).context()
