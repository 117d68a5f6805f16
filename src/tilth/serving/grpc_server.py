"""The Open Inference Protocol over gRPC, beside HTTP in the same event loop.

The same models, batches, log, limits and permissions as over HTTP; only the way in and out differs.
"""

from __future__ import annotations

import asyncio
import logging
import time
from collections.abc import Awaitable, Callable
from importlib.metadata import version as package_version
from typing import TYPE_CHECKING, Any

from tilth.errors import DataError, RequestError, UsageError
from tilth.serving.answers import Refusal
from tilth.serving.endpoint import Permission, Shared
from tilth.serving.grpc_contents import given_tensors, infer_response, parameters_of
from tilth.serving.grpc_messages import METHODS, SERVICE, message
from tilth.serving.hub import Hub
from tilth.serving.inference_rows import obey_timeout, refuse_unsupported, rows_of, wanted_outputs
from tilth.serving.open_inference import EXTENSIONS, model_metadata, repository_index
from tilth.serving.predictor import Accepted, Predicted
from tilth.serving.request import Request

if TYPE_CHECKING:
    import grpc
    import grpc.aio

__all__ = ["GrpcServer"]

_log = logging.getLogger("tilth.serving")

_STATUS = {
    400: "INVALID_ARGUMENT",
    401: "UNAUTHENTICATED",
    403: "PERMISSION_DENIED",
    404: "NOT_FOUND",
    408: "DEADLINE_EXCEEDED",
    413: "RESOURCE_EXHAUSTED",
    429: "RESOURCE_EXHAUSTED",
    503: "UNAVAILABLE",
    504: "DEADLINE_EXCEEDED",
}
"""The status of gRPC for one of HTTP; anything else is INTERNAL."""

_OPEN = ("ServerLive", "ServerReady", "ModelReady")

Handler = Callable[[Any, Request], Awaitable[Any]]


class GrpcServer:
    """Answers over gRPC in the event loop that starts it.

    Args:
        hub: the models.
        shared: what routes have in common.
        host: the address to listen on.
        port: the port; 0 takes a free one, which `port` tells once it is started.
        credentials: for TLS; None for none.
    """

    def __init__(
        self,
        hub: Hub,
        shared: Shared,
        host: str,
        port: int,
        credentials: grpc.ServerCredentials | None = None,
    ) -> None:
        self.host = host
        self.port = port
        self._hub = hub
        self._shared = shared
        self._credentials = credentials
        self._server: grpc.aio.Server | None = None

    async def start(self) -> None:
        """Listen.

        Raises:
            UsageError: the address cannot be listened on.
        """
        import grpc

        settings = self._shared.settings
        server = grpc.aio.server(
            options=[
                ("grpc.so_reuseport", 1),
                ("grpc.max_receive_message_length", settings.max_body_bytes),
                ("grpc.max_send_message_length", -1),
                ("grpc.max_metadata_size", 16 * 1024),
                ("grpc.max_concurrent_streams", settings.max_waiting),
            ],
            maximum_concurrent_rpcs=2 * settings.max_waiting,
        )
        handlers = {
            # As a stream, though one message comes: what is no stream is read before anybody has judged it.
            name: grpc.stream_unary_rpc_method_handler(
                self._guarded(name, message(taken)),
                response_serializer=message(given).SerializeToString,
            )
            for name, (taken, given) in METHODS.items()
        }
        server.add_generic_rpc_handlers((grpc.method_handlers_generic_handler(SERVICE, handlers),))
        host = f"[{self.host}]" if ":" in self.host else self.host
        address = f"{host}:{self.port}"
        try:
            if self._credentials is None:
                self.port = server.add_insecure_port(address)
            else:
                self.port = server.add_secure_port(address, self._credentials)
            await server.start()
        except RuntimeError:
            raise UsageError(
                f"cannot listen on {self.host}:{self.port} for gRPC",
                expected="an address of this machine and a free port",
                mend="choose another with --grpc-port, or set grpc = false under [serve]",
            ) from None
        self._server = server

    async def stop(self, grace_s: float) -> None:
        """Take no more calls, and let those in work finish for a while."""
        if self._server is not None:
            await self._server.stop(grace_s)

    def _guarded(
        self, name: str, taken: Any
    ) -> Callable[[Any, grpc.aio.ServicerContext[Any, Any]], Awaitable[Any]]:
        """A method whose errors become statuses, and which is counted; messages are read behind the gate."""
        handler: Handler = getattr(self, f"_{name}")
        permission: Permission | None = (
            None if name in _OPEN else "predict" if name == "ModelInfer" else "read"
        )
        meters, endpoint = self._shared.meters, f"grpc {name}"

        patience_s = self._shared.settings.body_timeout_s

        async def answer(_messages: Any, context: grpc.aio.ServicerContext[Any, Any]) -> Any:
            import grpc

            started = time.perf_counter()
            meters.began()
            status, words, answered = 500, "", None
            try:
                request = self._request(context, started)
                if self._shared.gate is not None and permission is not None:
                    self._shared.gate(request, permission)
                content = await _received(context, patience_s)
                answered = await handler(_read(taken, content), request)
                status = 200
            except RequestError as error:
                status, words = 400, _told(error)
                meters.refused("invalid")
            except Refusal as refusal:
                status = 504 if refusal.reason == "deadline" else refusal.status
                words = refusal.error
                meters.refused(refusal.reason)
            except DataError as error:
                status, words = 503, error.what
                meters.refused("log")
                _log.error("%s: %s", endpoint, error)
            except asyncio.CancelledError:
                meters.ended()
                raise
            except Exception:  # noqa: BLE001 - one bad call must not stop the server; it is logged
                words = "the server failed at this request; its log says why"
                _log.exception("%s failed", endpoint)
            meters.answered(endpoint, status, time.perf_counter() - started)
            if status != 200:
                await context.abort(grpc.StatusCode[_STATUS.get(status, "INTERNAL")], words)
            return answered

        return answer

    def _request(self, context: grpc.aio.ServicerContext[Any, Any], started: float) -> Request:
        """The metadata of a call as headers, and its deadline."""
        metadata = context.invocation_metadata() or ()
        headers = {
            str(name).encode(): value.encode() if isinstance(value, str) else bytes(value)
            for name, value in metadata
        }
        left = context.time_remaining()
        longest = self._shared.settings.deadline_s
        return Request(headers, started=started, timeout_s=longest if left is None else min(longest, left))

    async def _ServerLive(self, _asked: Any, _request: Request) -> Any:  # noqa: N802 - the protocol's name
        return message("ServerLiveResponse")(live=True)

    async def _ServerReady(self, _asked: Any, _request: Request) -> Any:  # noqa: N802
        return message("ServerReadyResponse")(ready=self._hub.ready)

    async def _ModelReady(self, asked: Any, _request: Request) -> Any:  # noqa: N802
        try:
            self._hub.named(asked.name, asked.version or None).live.find(asked.version or None)
        except Refusal as refusal:
            if refusal.status == 404:
                raise
            return message("ModelReadyResponse")(ready=False)
        return message("ModelReadyResponse")(ready=True)

    async def _ServerMetadata(self, _asked: Any, _request: Request) -> Any:  # noqa: N802
        return message("ServerMetadataResponse")(
            name="tilth", version=package_version("tilth"), extensions=EXTENSIONS
        )

    async def _ModelMetadata(self, asked: Any, _request: Request) -> Any:  # noqa: N802
        live = self._hub.named(asked.name, asked.version or None).live
        return message("ModelMetadataResponse")(**model_metadata(live, live.find(asked.version or None)))

    async def _RepositoryIndex(self, _asked: Any, _request: Request) -> Any:  # noqa: N802
        models = repository_index(each.live for each in self._hub.predictors)
        return message("RepositoryIndexResponse")(models=models)

    async def _ModelInfer(self, asked: Any, request: Request) -> Any:  # noqa: N802
        if asked.ByteSize() > self._shared.offload.over_bytes:
            return await self._shared.offload.run(lambda r: self._alone(asked, r), request)
        if self._shared.asks_in_thread:
            accepted, wanted = await asyncio.to_thread(self._accepted, asked, request)
        else:
            accepted, wanted = self._accepted(asked, request)
        return infer_response(asked, wanted, await self._shared.batcher.predict(accepted))

    def _alone(self, asked: Any, request: Request) -> Any:
        accepted, wanted = self._accepted(asked, request)
        predicted: Predicted
        (predicted,) = accepted.predictor.complete([accepted])
        return infer_response(asked, wanted, predicted)

    def _accepted(self, asked: Any, request: Request) -> tuple[Accepted, tuple[str, ...]]:
        """The rows of a call, judged, and the outputs that it wants."""
        version = asked.model_version or None
        predictor = self._hub.named(asked.model_name, version)
        scorer = predictor.live.find(version)
        obey_timeout(request, parameters_of(asked.parameters))
        for each in (*asked.inputs, *asked.outputs):
            refuse_unsupported(parameters_of(each.parameters), f"'{each.name[:100]}'")
        wanted = wanted_outputs([each.name for each in asked.outputs], scorer)
        return predictor.accept(rows_of(given_tensors(asked), scorer), request, scorer), wanted


async def _received(context: grpc.aio.ServicerContext[Any, Any], patience_s: float) -> bytes:
    """The bytes of the message of a call, which may not take for ever to come."""
    try:
        async with asyncio.timeout(patience_s):
            content = await context.read()
    except TimeoutError:
        raise Refusal(408, f"the message did not come within {patience_s:g} s") from None
    return content if isinstance(content, bytes) else b""


def _read(taken: Any, content: bytes) -> Any:
    """The message that a client sent."""
    from google.protobuf.message import DecodeError

    try:
        return taken.FromString(content)
    except DecodeError:
        expected = f"a {taken.DESCRIPTOR.name} of the Open Inference Protocol"
        raise RequestError("the message cannot be read", expected=expected) from None


def _told(error: RequestError) -> str:
    """What was wrong in one line, with the column, what came and what was expected."""
    parts = (error.what, error.got and f"got {error.got}", error.expected and f"expected {error.expected}")
    return "; ".join(part for part in parts if part)[:2000]
