"""Send a prediction server what no honest client would, and see that it lives and stays as small as it was.

    python benchmarks/fuzz_server.py [--requests 100000] [--clients 4] [--seed 0]

Over HTTP and gRPC: random bytes, damaged requests, JSON of wrong shapes, tables and binary tensors that lie
about their sizes, sizes that nothing has, connections that stop in the middle, and clients that send a
byte at a time. The server is the small real model of the tests, in a process of its own. What is asked: no
status of 500, no traceback in its log, memory bounded, every answer in the prediction log once, and at the
end the right answer to an honest request. Exit status 1 where one of these fails. The same seed sends the
same.
"""

from __future__ import annotations

import argparse
import contextlib
import json
import random
import socket
import struct
import subprocess
import sys
import tempfile
import threading
import time
from collections import Counter
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import psutil

ROOT = Path(__file__).resolve().parents[1]
SERVER = ROOT / "tests" / "serving" / "example_server.py"
ROW = {"age": 39, "hours": 40.5, "job": "Exec", "note": "x", "married": True, "since": None}
PATHS = (
    "/predict",
    "/predict/income",
    "/predict/income/versions/1",
    "/predict?errors=rows",
    "/invocations",
    "/feedback",
    "/v2/models/income/infer",
    "/v2/models/income/versions/1/infer",
    "/v2/repository/index",
)
KINDS = ("application/json", "text/csv", "application/vnd.apache.arrow.stream", "text/plain", "x/y;\xff")
METHODS = ("ServerMetadata", "ModelMetadata", "ModelInfer", "ModelReady", "RepositoryIndex", "Nothing")
GROWTH_MB = 150.0
PATIENCE_S = 30.0


@dataclass
class Seen:
    """What came of it so far; one for all clients."""

    sent: Counter[str] = field(default_factory=Counter)
    statuses: Counter[str] = field(default_factory=Counter)
    faults: list[str] = field(default_factory=list)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def note(self, kind: str, status: str, about: bytes) -> None:
        """Count a request; remember those that should not have been answered like that."""
        with self._lock:
            self.sent[kind] += 1
            self.statuses[status] += 1
            if status in ("500", "INTERNAL", "UNKNOWN", "silence") and len(self.faults) < 20:
                self.faults.append(f"{kind}: {status} to {about[:300]!r}")


class Fuzzer:
    """One client with its own dice.

    Args:
        address: host and port of HTTP.
        infer: calls a method of gRPC with bytes, or leaves it before any come (None), and gives the status.
        seen: where it notes what came.
        seed: of the dice.
    """

    def __init__(
        self, address: tuple[str, int], infer: Callable[[str, bytes | None], str], seen: Seen, seed: int
    ) -> None:
        self._address = address
        self._infer = infer
        self._seen = seen
        self._dice = random.Random(seed)
        self._socket: socket.socket | None = None
        self._acts = (
            (self._json, 30),
            (self._damaged, 25),
            (self._tensors, 20),
            (self._grpc, 15),
            (self._tables, 10),
            (self._noise, 6),
            (self._huge, 6),
            (self._half_open, 6),
            (self._slow, 1),
        )

    def act(self) -> None:
        """Send one thing."""
        acts, weights = zip(*self._acts, strict=True)
        self._dice.choices(acts, weights)[0]()

    def close(self) -> None:
        """Hang up."""
        if self._socket is not None:
            self._socket.close()
            self._socket = None

    def _json(self) -> None:
        content = self._dice.choice((self._value(3), [self._row() for _ in range(self._dice.randrange(4))]))
        if self._dice.random() < 0.3:
            content = {
                "inputs": [self._tensor() for _ in range(self._dice.randrange(5))],
                "x": self._value(1),
            }
        self._post("json", json.dumps(content).encode("utf-8", "surrogatepass"))

    def _damaged(self) -> None:
        whole = self._request(json.dumps([ROW, ROW]).encode(), self._dice.choice(PATHS))
        self._raw("damaged", self._spoiled(whole))

    def _tensors(self) -> None:
        head, tail = self._binary()
        lie = self._dice.choice((len(head), len(head), len(head), 0, 10**9, -1, len(head) - 3))
        body = head + (tail if self._dice.random() < 0.7 else self._spoiled(tail))
        more = {"Inference-Header-Content-Length": str(lie)}
        self._post("binary tensors", body, "/v2/models/income/infer", "application/octet-stream", more)

    def _tables(self) -> None:
        table = b"age,hours,job,note,married,since\n39,40.5,Exec,x,true,\n"
        if self._dice.random() < 0.5:
            table = _arrow()
        kind = self._dice.choice(KINDS[1:3])
        self._post("tables", self._spoiled(table), self._dice.choice(PATHS[:5]), kind)

    def _noise(self) -> None:
        self._raw("random bytes", self._dice.randbytes(self._dice.choice((1, 20, 300, 9_000))))

    def _huge(self) -> None:
        size = self._dice.choice((2**31, 2**63, 10**12, 10**30))
        act = self._dice.randrange(4)
        if act == 0:
            self._raw(
                "huge sizes", b"POST /predict HTTP/1.1\r\nHost: x\r\nContent-Length: %d\r\n\r\n{" % size
            )
        elif act == 1:
            chunk = b"POST /predict HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n%x\r\n{" % size
            self._raw("huge sizes", chunk)
        elif act == 2:
            tensor = {"name": "age", "datatype": "FP64", "shape": [size, size], "data": [1.0]}
            self._post("huge sizes", json.dumps({"inputs": [tensor]}).encode(), PATHS[6])
        else:
            self._raw("huge sizes", b"GET / HTTP/1.1\r\n" + b"x: y\r\n" * self._dice.choice((150, 30_000)))

    def _half_open(self) -> None:
        if self._dice.random() < 0.3:
            method = self._dice.choice(METHODS)
            self._seen.note("half-open", self._infer(method, None), method.encode())
            return
        whole = self._request(json.dumps(ROW).encode(), "/predict")
        with socket.create_connection(self._address, timeout=PATIENCE_S) as connection:
            connection.sendall(whole[: self._dice.randrange(len(whole))])
            if self._dice.random() < 0.5:  # gone without a word
                linger = struct.pack("ii", 1, 0)
                connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, linger)
        self._seen.note("half-open", "none", whole)

    def _slow(self) -> None:
        whole = self._request(json.dumps(ROW).encode(), "/predict")
        with socket.create_connection(self._address, timeout=PATIENCE_S) as connection:
            connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            for place in range(len(whole)):
                connection.sendall(whole[place : place + 1])
                if place % 16 == 0:
                    time.sleep(0.001)
            self._seen.note("slow", _status(connection), whole)

    def _grpc(self) -> None:
        method = self._dice.choice((*METHODS, "ModelInfer", "ModelInfer", "ModelInfer"))
        content = self._dice.choice(
            (self._dice.randbytes(self._dice.randrange(200)), self._spoiled(_grpc_request()), _grpc_request())
        )
        self._seen.note("gRPC", self._infer(method, content), content)

    def _post(
        self,
        kind: str,
        body: bytes,
        path: str | None = None,
        content_type: str | None = None,
        more: dict[str, str] | None = None,
    ) -> None:
        """Send a whole request on a connection that stays, as clients do."""
        whole = self._request(body, path or self._dice.choice(PATHS), content_type, more)
        for _ in range(2):
            if self._socket is None:
                self._socket = socket.create_connection(self._address, timeout=PATIENCE_S)
            try:
                self._socket.sendall(whole)
                status = _status(self._socket)
            except OSError:
                status = "none"
            if status != "none":
                break
            self.close()  # the server ended the connection after the answer before; once more on a new one
        if status in ("none", "400", "413", "silence"):
            self.close()
        self._seen.note(kind, status, whole)

    def _raw(self, kind: str, content: bytes) -> None:
        """Send bytes on a connection of their own, and wait for whatever comes."""
        with socket.create_connection(self._address, timeout=PATIENCE_S) as connection:
            status = "none"
            with contextlib.suppress(OSError):  # hung up on before all was sent
                connection.sendall(content)
                connection.shutdown(socket.SHUT_WR)
                status = _status(connection)
        self._seen.note(kind, status, content)

    def _request(
        self,
        body: bytes,
        path: str,
        content_type: str | None = None,
        more: dict[str, str] | None = None,
    ) -> bytes:
        content_type = content_type or self._dice.choice((KINDS[0], KINDS[0], KINDS[0], *KINDS))
        lines = [f"POST {path} HTTP/1.1", "Host: x", f"Content-Type: {content_type}"]
        lines += [f"{name}: {value}" for name, value in (more or {}).items()]
        lines += [f"Content-Length: {len(body)}", "", ""]
        return "\r\n".join(lines).encode("latin-1") + body

    def _spoiled(self, content: bytes) -> bytes:
        spoiled = bytearray(content)
        for _ in range(self._dice.randrange(1, 6)):
            place = self._dice.randrange(len(spoiled) + 1)
            act = self._dice.randrange(4)
            if act == 0 and place < len(spoiled):
                spoiled[place] = self._dice.randrange(256)
            elif act == 1:
                spoiled[place:place] = self._dice.randbytes(self._dice.randrange(1, 9))
            elif act == 2:
                del spoiled[place : place + self._dice.randrange(1, 9)]
            else:
                spoiled[place:place] = spoiled[: self._dice.randrange(1, 40)]
        return bytes(spoiled)

    def _row(self) -> Any:
        return {n: v if self._dice.random() < 0.8 else self._value(1) for n, v in ROW.items()}

    def _tensor(self) -> Any:
        return {
            "name": self._dice.choice((*ROW, "x")) if self._dice.random() < 0.9 else self._value(1),
            "datatype": self._dice.choice(("FP64", "FP16", "BF16", "INT64", "BOOL", "BYTES", "X")),
            "shape": [self._dice.randrange(-1, 4) for _ in range(self._dice.randrange(4))],
            "data": [self._value(1) for _ in range(self._dice.randrange(4))],
            "parameters": self._value(2),
        }

    def _value(self, depth: int) -> Any:
        act = self._dice.randrange(10 if depth else 8)
        if act == 8:
            return [self._value(depth - 1) for _ in range(self._dice.randrange(4))]
        if act == 9:
            names = self._dice.sample([*ROW, "rows", "inputs", "instances", "dataframe_split", "id"], 3)
            return {name: self._value(depth - 1) for name in names}
        numbers = (0, -1, 2**63, -(2**63) - 1, 10**40, 1e308, 5e-324, 0.5)
        return (None, True, "", "\ud800", "x" * 300, "Exec", self._dice.choice(numbers), 1)[act]

    def _binary(self) -> tuple[bytes, bytes]:
        """Two rows as a request of binary tensors, whose sizes may be lies."""
        ages, hours = struct.pack("<2d", 39, 40), struct.pack("<2d", 40.5, 1)
        jobs = b"".join(struct.pack("<I", len(job)) + job for job in (b"Exec", b"Sales"))
        given = (
            ("age", "FP64", ages),
            ("hours", "FP64", hours),
            ("job", "BYTES", jobs),
            ("married", "BOOL", b"\1\0"),
        )
        inputs = []
        for name, datatype, content in given:
            size = len(content) if self._dice.random() < 0.9 else self._dice.choice((0, -1, 2**40, 7))
            shape = [2] if self._dice.random() < 0.9 else self._dice.choice(([2**40], [-2], [], [1, 2], [0]))
            sized = {"name": name, "datatype": datatype, "shape": shape}
            inputs.append({**sized, "parameters": {"binary_data_size": size}})
        asked = {"inputs": inputs, "parameters": {"binary_data_output": self._dice.random() < 0.5}}
        return json.dumps(asked).encode(), b"".join(content for _, _, content in given)


def _status(connection: socket.socket) -> str:
    """The status of one whole answer; "none" where the server hangs up, "silence" where it does neither."""
    try:
        with connection.makefile("rb") as answer:
            line = answer.readline(1000)
            if not line.startswith(b"HTTP/1.1 "):
                return "none"
            size = 0
            for header in iter(lambda: answer.readline(10_000), b"\r\n"):
                if header == b"":
                    return "none"
                if header.lower().startswith(b"content-length:"):
                    size = int(header.split(b":")[1])
            answer.read(size)
            return line.split()[1].decode()
    except TimeoutError:
        return "silence"
    except ConnectionError:
        return "none"


def _arrow() -> bytes:
    import pyarrow as pa

    sink = pa.BufferOutputStream()
    table = pa.table({name: [value, value] for name, value in ROW.items()})
    with pa.ipc.new_stream(sink, table.schema) as writer:
        writer.write_table(table)
    return bytes(sink.getvalue())


def _grpc_request() -> bytes:
    """A ModelInferRequest for a row, by hand: fields 1 model_name, 5 inputs, 7 raw_input_contents."""

    def part(number: int, content: bytes) -> bytes:
        return bytes([number << 3 | 2, len(content)]) + content

    def tensor(name: bytes, datatype: bytes) -> bytes:
        return part(5, part(1, name) + part(2, datatype) + part(3, b"\x01"))

    kinds = ((b"age", b"FP64"), (b"hours", b"FP64"), (b"job", b"BYTES"), (b"married", b"BOOL"))
    values = (struct.pack("<d", 39), struct.pack("<d", 40.5), struct.pack("<I", 4) + b"Exec", b"\x01")
    tensors = b"".join(tensor(name, kind) for name, kind in kinds)
    return part(1, b"income") + tensors + b"".join(part(7, value) for value in values)


@contextlib.contextmanager
def grpc_caller(port: int) -> Iterator[Callable[[str, bytes | None], str]]:
    """What calls a method with bytes that need not be a message."""
    import grpc

    with grpc.insecure_channel(f"127.0.0.1:{port}") as channel:

        def leave(path: str) -> str:
            gone = threading.Event()
            nothing = (b"" for _ in range(1) if gone.wait(PATIENCE_S) and False)
            begun = channel.stream_unary(path).future(nothing, timeout=PATIENCE_S)
            time.sleep(0.002)
            begun.cancel()
            gone.set()
            return "none"

        def call(method: str, content: bytes | None) -> str:
            path = f"/inference.GRPCInferenceService/{method}"
            if content is None:
                return leave(path)
            try:
                channel.unary_unary(path)(content, timeout=PATIENCE_S)
            except grpc.RpcError as error:
                name: str = error.code().name
                return name
            return "OK"

        yield call


@contextlib.contextmanager
def fuzzed_server(folder: Path) -> Iterator[tuple[psutil.Process, int, int, Path]]:
    """The server in a process of its own, with its ports and its log."""
    log = folder / "server.log"
    with log.open("wb") as errors:
        command = [sys.executable, str(SERVER), str(folder / "predictions"), "--grpc"]
        process = subprocess.Popen(command, stdout=subprocess.PIPE, stderr=errors, text=True)
        assert process.stdout is not None
        _, _, port, grpc_port = process.stdout.readline().split()
        try:
            yield psutil.Process(process.pid), int(port), int(grpc_port), log
        finally:
            process.terminate()
            process.wait(timeout=60)
            process.stdout.close()


def fuzz(requests: int, clients: int, seed: int) -> dict[str, Any]:
    """Do it, and tell what came of it; "faults" is empty where all is well."""
    from tilth.tables import read_predictions

    seen = Seen()
    with tempfile.TemporaryDirectory() as folder:
        with (
            fuzzed_server(Path(folder)) as (process, port, grpc_port, log),
            grpc_caller(grpc_port) as infer,
        ):
            sizes = [
                _run(Fuzzer(("127.0.0.1", port), infer, seen, seed - 1), max(200, requests // 20), process)
            ]
            fuzzers = [Fuzzer(("127.0.0.1", port), infer, seen, seed + n) for n in range(clients)]
            each = -(-max(0, requests - sum(seen.sent.values())) // clients)
            # What ends a client before it has sent everything ends this too: nothing was shown then.
            with ThreadPoolExecutor(clients) as together:
                for done in [together.submit(_run, fuzzer, each, process) for fuzzer in fuzzers]:
                    done.result()
            sizes.append(process.memory_info().rss / 2**20)
            handles = process.num_fds()
            right = _honest_answer(port)
        made = [prediction.id for prediction in read_predictions(Path(folder, "predictions"))]
        text = log.read_text(errors="replace")
    faults = list(seen.faults)
    faults += [f"memory grew from {sizes[0]:.0f} to {sizes[1]:.0f} MB"] * (sizes[1] - sizes[0] > GROWTH_MB)
    faults += ["an honest request is not answered as it should be"] * (not right)
    faults += ["there is a traceback in the log:\n" + text[text.find("Traceback") :][:3000]] * (
        "Traceback" in text
    )
    faults += ["a prediction is in the log twice"] * (len(made) != len(set(made)))
    return {
        "requests": sum(seen.sent.values()),
        "kinds": dict(seen.sent.most_common()),
        "statuses": dict(seen.statuses.most_common()),
        "memory_mb": [round(size, 1) for size in sizes],
        "handles": handles,
        "predictions": len(made),
        "faults": faults,
    }


def _run(fuzzer: Fuzzer, times: int, process: psutil.Process) -> float:
    """So many things sent by one client; the server's memory afterwards in MB."""
    for _ in range(times):
        fuzzer.act()
    fuzzer.close()
    return float(process.memory_info().rss / 2**20)


def _honest_answer(port: int) -> bool:
    import http.client

    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_S)
    connection.request("POST", "/predict", json.dumps(ROW), {"Content-Type": "application/json"})
    answer = json.load(connection.getresponse())
    connection.close()
    # 1 / (1 + exp(-z)) with z = 0.05 * (39 - 40) + 0.02 * 40.5 + 1 + 1 - 2, which is 0.76
    return answer.get("label") == ">50K" and abs(answer["score"] - 0.681354) < 1e-4


def main() -> int:
    """Fuzz, print what came of it as JSON."""
    parser = argparse.ArgumentParser()
    parser.add_argument("--requests", type=int, default=100_000)
    parser.add_argument("--clients", type=int, default=4)
    parser.add_argument("--seed", type=int, default=0)
    arguments = parser.parse_args()
    began = time.perf_counter()
    told = fuzz(arguments.requests, arguments.clients, arguments.seed)
    sys.stdout.write(json.dumps({**told, "seconds": round(time.perf_counter() - began, 1)}, indent=2) + "\n")
    return int(bool(told["faults"]))


if __name__ == "__main__":
    sys.exit(main())
