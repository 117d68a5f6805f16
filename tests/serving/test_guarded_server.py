"""`tilth serve` with tokens, TLS, a port for management and pages of other origins, as a user has it."""

from __future__ import annotations

import json
import re
import socket
import ssl
import subprocess
import time
from pathlib import Path
from typing import Any

import httpx
import pytest
from certificates import make_certificate

from project_factory import hurried_project
from served import TILTH, tilth

ROW = {"income": 52.5, "age": 41, "plan": "pro"}
SERVE = """[serve]
tokens = "secrets/tokens.json"
tls_certificate = "server.pem"
tls_key = "server.key"
admin_port = 0
cors = ["https://example.org"]
"""


def wait_until(what: str, holds: Any) -> None:
    deadline = time.monotonic() + 20
    while time.monotonic() < deadline:
        if holds():
            return
        time.sleep(0.1)
    raise AssertionError(f"not within 20 s: {what}")


def guarded_project(folder: Path) -> None:
    hurried_project(folder)
    assert tilth("run", folder=folder).returncode == 0
    make_certificate(folder)
    toml = folder / "tilth.toml"
    text = re.sub(r"(?m)^port = .*$", "", toml.read_text())
    toml.write_text(text.replace("[serve]\n", SERVE))


def token(folder: Path, name: str, scopes: str) -> str:
    made = tilth("token", "create", name, "--scopes", scopes, folder=folder)
    assert made.returncode == 0, made.stderr
    return made.stdout.strip()


@pytest.mark.slow
def test_tokens_tls_management_and_other_origins(tmp_path: Path) -> None:
    guarded_project(tmp_path)
    missing = tilth("serve", "--port", "0", folder=tmp_path)
    assert (missing.returncode, "tilth token create" in missing.stderr) == (2, True), missing.stderr
    caller, reader = token(tmp_path, "web", "predict"), token(tmp_path, "prometheus", "read")
    log = tmp_path / "serve.log"
    with log.open("w") as out:
        command = [TILTH, "serve", "--port", "0", "--workers", "2", "--dir", str(tmp_path)]
        process = subprocess.Popen(command, stdout=out, stderr=out)
    try:
        wait_until("it serves", lambda: process.poll() is not None or "serving on" in log.read_text())
        found = re.search(r"serving on (https://\S+)", log.read_text())
        managed = re.search(r"management on (https://\S+)", log.read_text())
        assert found, log.read_text()
        calls = re.search(r"gRPC is answered on \S+:(\d+)", log.read_text())
        assert managed, log.read_text()
        assert calls, log.read_text()
        _check_grpc(tmp_path, int(calls[1]), caller, reader)
        _check(tmp_path, found[1], managed[1], caller, reader)
    finally:
        process.terminate()
        assert process.wait(timeout=30) == 0
    text = log.read_text()
    assert caller not in text
    assert reader not in text
    assert "Traceback" not in text


def _check(folder: Path, url: str, management: str, caller: str, reader: str) -> None:
    trusting = ssl.create_default_context(cafile=folder / "server.pem")
    with httpx.Client(verify=trusting) as http:
        mine = {"authorization": f"Bearer {caller}"}
        assert http.get(f"{url}/v2/health/ready").status_code == 200
        assert http.post(f"{url}/predict", json=ROW).status_code == 401
        assert http.post(f"{url}/predict", json=ROW, headers=mine).status_code == 200
        for path in ("/metrics", "/openapi.json"):
            assert http.get(url + path, headers=mine).status_code == 404
            assert http.get(management + path, headers=mine).status_code == 403
            answer = http.get(management + path, headers={"authorization": f"Bearer {reader}"})
            assert answer.status_code == 200
        assert http.post(f"{management}/predict", json=ROW, headers=mine).status_code == 404
        assert http.get(f"{management}/v2/health/live").status_code == 200
        _check_origins(http, url, mine)
        _check_versions(url)
        assert tilth("token", "revoke", "web", folder=folder).returncode == 0
        # Both workers look at the file once a second.
        time.sleep(1.5)
        for _ in range(20):
            with httpx.Client(verify=trusting) as another:
                assert another.post(f"{url}/predict", json=ROW, headers=mine).status_code == 401


def _check_origins(http: httpx.Client, url: str, mine: dict[str, str]) -> None:
    preflight = {"access-control-request-method": "POST", "access-control-request-headers": "authorization"}
    for origin, allowed in (("https://example.org", "https://example.org"), ("https://evil.example", None)):
        answer = http.options(f"{url}/predict", headers={"origin": origin, **preflight})
        assert answer.headers.get("access-control-allow-origin") == allowed
        answer = http.post(f"{url}/predict", json=ROW, headers={"origin": origin, **mine})
        assert answer.status_code == 200
        assert answer.headers.get("access-control-allow-origin") == allowed


def _check_versions(url: str) -> None:
    """TLS 1.1 is refused, whatever the client puts up with."""
    old = ssl.SSLContext(ssl.PROTOCOL_TLS_CLIENT)
    old.check_hostname = False
    old.verify_mode = ssl.CERT_NONE
    old.set_ciphers("ALL:@SECLEVEL=0")
    with pytest.warns(DeprecationWarning, match="TLSv1"):
        old.minimum_version = ssl.TLSVersion.TLSv1
    with pytest.warns(DeprecationWarning, match="TLSv1"):
        old.maximum_version = ssl.TLSVersion.TLSv1_1
    host, port = url.removeprefix("https://").split(":")
    with socket.create_connection((host, int(port)), timeout=10) as raw, pytest.raises(ssl.SSLError):
        old.wrap_socket(raw)


def _check_grpc(folder: Path, port: int, caller: str, reader: str) -> None:
    grpc = pytest.importorskip("tritonclient.grpc")
    common = {"ssl": True, "root_certificates": str(folder / "server.pem")}
    with grpc.InferenceServerClient(f"localhost:{port}", **common) as client:
        assert client.is_server_live()
        with pytest.raises(grpc.InferenceServerException, match="UNAUTHENTICATED"):
            client.get_server_metadata()
        with pytest.raises(grpc.InferenceServerException, match="PERMISSION_DENIED"):
            client.get_server_metadata(headers={"authorization": f"Bearer {caller}"})
        known = client.get_server_metadata(headers={"authorization": f"Bearer {reader}"}, as_json=True)
        assert known["name"] == "tilth"


@pytest.mark.slow
def test_certificates_that_cannot_be_used_are_said_before_anything_listens(tmp_path: Path) -> None:
    guarded_project(tmp_path)
    token(tmp_path, "web", "predict")
    make_certificate(tmp_path, begins=-3, ends=-1)
    refused = tilth("serve", "--port", "0", folder=tmp_path)
    assert (refused.returncode, "the certificate has expired" in refused.stderr) == (2, True)
    (tmp_path / "server.key").write_text(json.dumps({}))
    refused = tilth("serve", "--port", "0", folder=tmp_path)
    assert (refused.returncode, "no private key" in refused.stderr) == (2, True)
