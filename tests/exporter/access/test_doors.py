"""Real clients at all three doors, with tokens, limits and TLS."""

from __future__ import annotations

import json
import socket
import ssl
import subprocess
import threading
import time
from contextlib import closing
from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import grpc
import httpx
import pytest
from google.rpc.error_details_pb2 import RetryInfo  # type: ignore[import-untyped]
from google.rpc.status_pb2 import Status  # type: ignore[import-untyped]
from opentelemetry.exporter.otlp.proto.grpc.trace_exporter import OTLPSpanExporter as GrpcExporter
from opentelemetry.exporter.otlp.proto.http.trace_exporter import OTLPSpanExporter as HttpExporter
from opentelemetry.sdk.trace import TracerProvider
from opentelemetry.sdk.trace.export import SimpleSpanProcessor

from handspan import semconv
from handspan_exporter.access.guard import Guard
from handspan_exporter.columns.agent_spans import agent_spans_table
from handspan_exporter.errors import NotAuthenticated, UsageError
from handspan_exporter.journal.journal import Journal
from handspan_exporter.query.over_http import HttpAnswers
from handspan_exporter.receiver.grpc import GrpcServer
from handspan_exporter.receiver.http import http_server
from handspan_exporter.receiver.ingest import Ingest
from handspan_exporter.settings import Settings
from handspan_exporter.telemetry import REQUESTS_FAILED, SPANS_ACCEPTED, TOKEN_ITEMS, Counters
from handspan_exporter.web.server import Server
from handspan_exporter.writer.writer import Writer

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    from opentelemetry.sdk.trace.export import SpanExporter

    from handspan_exporter.store.connection import Connection
    from handspan_exporter.store.dsn import Dsn

EXPORT = "/opentelemetry.proto.collector.trace.v1.TraceService/Export"
PROTOBUF = {"content-type": "application/x-protobuf"}


@dataclass
class Service:
    """The three doors, and the tokens that open them."""

    guard: Guard
    counters: Counters
    grpc: str
    http: str
    web: str
    writer: Writer

    def token(self, *scopes: Any, **limits: Any) -> str:  # noqa: ANN401
        """Make a token, for ingest unless said otherwise."""
        return self.guard.tokens.add("test", scopes or ("ingest",), **limits)

    def call(self, body: bytes, token: str = "") -> None:
        """Send a request over gRPC."""
        with grpc.insecure_channel(self.grpc) as channel:
            export = channel.unary_unary(EXPORT)
            export(body, timeout=30, metadata=list(bearer(token).items()))

    def post(self, body: bytes, token: str = "") -> httpx.Response:
        """Send a request over HTTP."""
        headers = PROTOBUF | bearer(token)
        return httpx.post(f"{self.http}/v1/traces", content=body, headers=headers)

    def get(self, path: str, **headers: str) -> httpx.Response:
        """Ask the API."""
        return httpx.get(f"{self.web}{path}", headers=headers)


def bearer(token: str) -> dict[str, str]:
    """Return the header of a token."""
    return {"authorization": f"Bearer {token}"} if token else {}


@pytest.fixture
def serve(tmp_path: Path, database: tuple[Dsn, Connection]) -> Iterator[Callable[..., Service]]:
    """Return a function that opens the doors as settings say."""
    running: list[Callable[[], object]] = []

    def start(**given: Any) -> Service:  # noqa: ANN401
        free = {"otlp_grpc": "127.0.0.1:0", "otlp_http": "127.0.0.1:0", "web": "127.0.0.1:0"}
        settings = Settings(**(free | {"tokens": str(tmp_path / "tokens.json")} | given))
        counters = Counters()
        guard = Guard.of(settings, None, counters)
        at_grpc, at_http, at_web = guard.doors(settings)
        dsn, connection = database
        journal = Journal(
            tmp_path / "journal",
            max_bytes=settings.journal_max_bytes,
            segment_spans=settings.flush_spans,
            counters=counters,
        )
        writer = Writer(
            journal, connection, settings, agent_spans_table=agent_spans_table, counters=counters
        )
        ingest = Ingest(journal, writer, settings, counters=counters)
        most = settings.max_request_bytes
        over_grpc = GrpcServer(ingest, settings.otlp_grpc, max_request_bytes=most, door=at_grpc)
        over_http = http_server(
            ingest,
            settings.otlp_http,
            max_request_bytes=most,
            cors_origins=settings.cors_origins,
            door=at_http,
        )
        web = Server(dsn, settings, counters, door=at_web)
        running.append(lambda: writer.drain(30))
        for server in (over_grpc, over_http, web):
            server.start()
            running.append(server.stop)
        writer.start()
        return Service(guard, counters, over_grpc.address, over_http.url, web.url, writer)

    yield start
    while running:
        running.pop()()


def refusal(call: Callable[[], Any]) -> Any:  # noqa: ANN401
    """Return the error of a refused call."""
    with pytest.raises(grpc.RpcError) as caught:
        call()
    return caught.value


def test_without_a_token_nobody_comes_in_by_any_door(
    serve: Callable[..., Service], trace_request: Callable[..., bytes]
) -> None:
    """The page itself is open, it holds nothing; every number behind it is not."""
    service = serve(require_tokens=True)
    reader, sender = service.token("read"), service.token("ingest")
    body = trace_request(1)

    for token, code, status in (
        ("", grpc.StatusCode.UNAUTHENTICATED, 401),
        ("hs_wrong", grpc.StatusCode.UNAUTHENTICATED, 401),
        (reader, grpc.StatusCode.PERMISSION_DENIED, 403),
    ):
        assert refusal(lambda token=token: service.call(body, token)).code() is code  # type: ignore[misc]
        answer = service.post(body, token)
        assert answer.status_code == status
        assert Status.FromString(answer.content).code == code.value[0]
    for path in ("/api/v1/health", "/api/v1/nothing", "/metrics"):
        assert service.get(path).status_code == 401
        assert service.get(path, **bearer(sender)).status_code == 403
    assert service.get("/").status_code == 200
    assert service.get("/api/v1/health").headers["www-authenticate"] == "Bearer"
    assert service.counters.total(SPANS_ACCEPTED) == 0

    service.call(body, sender)
    assert service.post(trace_request(1, first=9), sender).status_code == 200
    assert service.get("/api/v1/health", **bearer(reader)).json()["status"] == "ok"
    assert service.counters.total(SPANS_ACCEPTED) == 2
    assert service.counters.total(TOKEN_ITEMS, sender[3:11]) == 2


def test_who_opens_calls_and_sends_nothing_holds_no_thread_without_a_token(
    serve: Callable[..., Service], trace_request: Callable[..., bytes]
) -> None:
    """A few such calls would otherwise keep everyone else out."""
    service = serve(require_tokens=True)
    release = threading.Event()

    def never() -> Iterator[bytes]:
        release.wait()
        yield b""

    with grpc.insecure_channel(service.grpc) as channel:
        calls = [channel.stream_unary(EXPORT).future(never()) for _ in range(60)]
        service.call(trace_request(1), service.token())
        codes = {call.exception(timeout=30).code() for call in calls}
        release.set()

    assert codes == {grpc.StatusCode.UNAUTHENTICATED}


def test_the_sdks_exporters_bring_their_token_and_get_its_tenant(
    serve: Callable[..., Service], connection: Connection
) -> None:
    """The tenant is the token's, whatever the client says."""
    service = serve(require_tokens=True)
    headers = bearer(service.token(tenant="acme"))
    exporters: list[SpanExporter] = [
        GrpcExporter(endpoint=service.grpc, insecure=True, headers=headers),
        HttpExporter(endpoint=f"{service.http}/v1/traces", headers=headers),
    ]
    for exporter in exporters:
        provider = TracerProvider()
        provider.add_span_processor(SimpleSpanProcessor(exporter))
        provider.get_tracer("test").start_span("chat").end()
        provider.shutdown()
    assert service.writer.drain(30)

    found = connection.rows(
        "SELECT ResourceAttributes[{key:String}] AS tenant FROM otel_traces",
        {"key": semconv.TENANT},
    )
    assert [row["tenant"] for row in found] == ["acme", "acme"]


def test_a_token_over_its_rate_is_told_when_to_come_again(
    serve: Callable[..., Service], trace_request: Callable[..., bytes]
) -> None:
    """Without RetryInfo the Collector drops the batch; with it, and Retry-After, it waits."""
    service = serve()
    token = service.token(spans_per_s=10.0)
    service.call(trace_request(100), token)

    error = refusal(lambda: service.call(trace_request(1, first=500), token))
    answer = service.post(trace_request(1, first=600), token)

    assert error.code() is grpc.StatusCode.RESOURCE_EXHAUSTED
    trailing = dict(error.trailing_metadata())
    (detail,) = Status.FromString(trailing["grpc-status-details-bin"]).details
    pause = RetryInfo()
    assert detail.Unpack(pause)
    assert 5 < pause.retry_delay.seconds < 10
    assert answer.status_code == 429
    assert 5 < int(answer.headers["retry-after"]) <= 10
    assert service.counters.total(REQUESTS_FAILED, "spans_per_s") == 2


def test_bytes_count_as_well_also_of_what_is_refused(serve: Callable[..., Service]) -> None:
    """Noise costs the service as much as spans."""
    service = serve()
    token = service.token(bytes_per_s=100.0)

    assert service.post(b"\xff" * 5000, token).status_code == 400
    assert service.post(b"", token).status_code == 429


def test_a_greedy_client_does_not_starve_another(
    serve: Callable[..., Service], trace_request: Callable[..., bytes]
) -> None:
    """Forty threads of one token against one of another: that one is never refused."""
    service = serve()
    greedy, modest = service.token(spans_per_s=20_000.0, requests=4), service.token()
    stop, refused = threading.Event(), []

    def flood(first: int) -> None:
        with grpc.insecure_channel(service.grpc) as channel:
            export = channel.unary_unary(EXPORT)
            while not stop.is_set():
                first += 200
                try:
                    export(trace_request(200, first=first), metadata=list(bearer(greedy).items()))
                except grpc.RpcError as error:
                    refused.append(error.code())

    threads = [threading.Thread(target=flood, args=(1 + n * 10**7,)) for n in range(40)]
    for thread in threads:
        thread.start()
    while not refused:
        time.sleep(0.01)
    for number in range(30):
        service.call(trace_request(10, first=10**12 + 10 * number), modest)
        assert service.post(trace_request(1, first=10**13 + number), modest).status_code == 200
    stop.set()
    for thread in threads:
        thread.join()

    assert service.counters.total(TOKEN_ITEMS, modest[3:11]) == 330
    assert set(refused) == {grpc.StatusCode.RESOURCE_EXHAUSTED}


def test_a_browser_may_ask_without_a_token_whether_it_may_send_with_one(
    serve: Callable[..., Service], trace_request: Callable[..., bytes]
) -> None:
    """A browser never shows the token in the preflight, and reads a refusal only if it may."""
    service = serve(require_tokens=True, cors_origins="https://app.example")
    page = {"origin": "https://app.example"}
    asked = page | {
        "access-control-request-method": "POST",
        "access-control-request-headers": "authorization,content-type",
    }
    address = f"{service.http}/v1/traces"

    preflight = httpx.options(address, headers=asked)
    sent = httpx.post(
        address, content=trace_request(1), headers=PROTOBUF | page | bearer(service.token())
    )
    refused = httpx.post(address, content=trace_request(1), headers=PROTOBUF | page)
    strange = httpx.options(address, headers=asked | {"origin": "https://evil.example"})

    assert (preflight.status_code, sent.status_code, refused.status_code) == (200, 200, 401)
    assert "authorization" in preflight.headers["access-control-allow-headers"].lower()
    for answer in (preflight, sent, refused):
        assert answer.headers["access-control-allow-origin"] == "https://app.example"
    assert "access-control-allow-origin" not in strange.headers


def test_a_browser_keeps_its_token_in_a_cookie_that_no_script_reads(
    serve: Callable[..., Service],
) -> None:
    """The links of the page then work, and the token is in no address, log or history."""
    service = serve(require_tokens=True)
    token = service.token("read")
    with httpx.Client(base_url=service.web) as browser:
        assert browser.post("/api/v1/session", headers=bearer("hs_wrong")).status_code == 401
        assert browser.get("/api/v1/runs").status_code == 401
        kept = browser.post("/api/v1/session", headers=bearer(token))
        assert browser.get("/api/v1/runs").status_code == 200
        forgotten = browser.delete("/api/v1/session")
        assert browser.get("/api/v1/runs").status_code == 401

    assert (kept.status_code, kept.content) == (204, b"")
    flags = kept.headers["set-cookie"].lower()
    assert "httponly" in flags
    assert "samesite=strict" in flags
    assert forgotten.status_code == 204
    # A cookie travels by itself: it must not let another site's page write anything.
    answer = httpx.post(f"{service.http}/v1/traces", headers={"cookie": f"handspan_token={token}"})
    assert answer.status_code == 401


@pytest.mark.parametrize("host", ["evil.example", "evil.example:8317", "127.0.0.1.evil.example"])
def test_a_page_that_points_its_own_name_at_us_learns_nothing(
    serve: Callable[..., Service], host: str
) -> None:
    """DNS rebinding: for the browser it is the page's own host, so it would let it read."""
    service = serve()

    assert service.get("/api/v1/health", host=host).status_code == 421
    assert service.get("/", host=host).status_code == 421
    for ours in ("localhost", "LOCALHOST:1", "127.0.0.1", "[::1]:8317"):
        assert service.get("/api/v1/health", host=ours).status_code == 200


def test_a_proxys_name_can_be_allowed(serve: Callable[..., Service]) -> None:
    """Behind a proxy on the same machine the host is the public one."""
    service = serve(allowed_hosts="kpi.example, Other.example")

    assert service.get("/api/v1/health", host="other.example").status_code == 200
    assert service.get("/api/v1/health", host="third.example").status_code == 421


class Authority:
    """A certificate authority of openssl's command line."""

    def __init__(self, folder: Path, name: str) -> None:
        self.folder, self.name = folder, name
        self.cert, self.key = folder / f"{name}.pem", folder / f"{name}.key"
        subject = ["-subj", f"/CN={name}", "-days", "2"]
        _openssl("req", "-x509", *_NEW, "-keyout", self.key, "-out", self.cert, *subject)

    def issue(self, name: str, cert: Path, key: Path) -> None:
        """Write a certificate for 127.0.0.1 and its key."""
        request, names = self.folder / "request", self.folder / "names"
        names.write_text("subjectAltName=IP:127.0.0.1,DNS:localhost")
        _openssl("req", *_NEW, "-keyout", key, "-out", request, "-subj", f"/CN={name}")
        signed = ["-CA", self.cert, "-CAkey", self.key, "-extfile", names, "-days", "2"]
        _openssl("x509", "-req", "-in", request, "-out", cert, *signed, "-set_serial", "7")


_NEW = ["-newkey", "ec", "-pkeyopt", "ec_paramgen_curve:prime256v1", "-nodes"]


def _openssl(*arguments: object) -> None:
    subprocess.run(["openssl", *map(str, arguments)], check=True, capture_output=True)  # noqa: S607


@dataclass
class Files:
    """What `serve` is given, and who signed it."""

    folder: Path
    authority: Authority
    cert: Path
    key: Path


@pytest.fixture
def files(tmp_path: Path) -> Files:
    """A certificate for 127.0.0.1 of an authority of its own."""
    authority = Authority(tmp_path, "authority")
    made = Files(tmp_path, authority, tmp_path / "cert.pem", tmp_path / "cert.key")
    authority.issue("first", made.cert, made.key)
    return made


def shown(address: str, trusted: Path) -> str:
    """Return the name on the certificate that an address shows."""
    context = ssl.create_default_context(cafile=str(trusted))
    host, _, port = address.rpartition("//")[2].rpartition(":")
    with (
        socket.create_connection((host, int(port))) as plain,
        context.wrap_socket(plain, server_hostname=host) as secured,
    ):
        found: Any = secured.getpeercert()
    return str(dict(pair for (pair,) in found["subject"])["commonName"])


def test_tls_at_every_door_and_a_renewed_certificate_counts_at_once(
    serve: Callable[..., Service], trace_request: Callable[..., bytes], files: Files
) -> None:
    """Certificates are renewed every few weeks, by a program that knows nothing of us."""
    service = serve(tls_cert=str(files.cert), tls_key=str(files.key))
    roots = files.authority.cert.read_bytes()
    trust = ssl.create_default_context(cafile=str(files.authority.cert))

    for name in ("first", "second"):
        files.authority.issue(name, files.cert, files.key)
        assert shown(service.grpc, files.authority.cert) == name
        assert shown(service.http, files.authority.cert) == name
        assert shown(service.web, files.authority.cert) == name
    credentials = grpc.ssl_channel_credentials(roots)
    with grpc.secure_channel(service.grpc, credentials) as channel:
        channel.unary_unary(EXPORT)(trace_request(1), timeout=30)
    posted = httpx.post(
        f"{service.http}/v1/traces",
        content=trace_request(1, first=5),
        headers=PROTOBUF,
        verify=trust,
    )
    health = httpx.get(f"{service.web}/api/v1/health", verify=trust)

    assert (posted.status_code, health.status_code) == (200, 200)
    assert service.counters.total(SPANS_ACCEPTED) == 2


def test_a_half_renewed_pair_leaves_the_old_one_in_use(
    serve: Callable[..., Service], files: Files, caplog: pytest.LogCaptureFixture
) -> None:
    """A client that comes between the two writes must not be turned away."""
    service = serve(tls_cert=str(files.cert), tls_key=str(files.key))
    assert shown(service.grpc, files.authority.cert) == "first"
    files.authority.issue("second", files.cert, files.folder / "not yet there.key")

    for address in (service.grpc, service.http, service.web):
        assert shown(address, files.authority.cert) == "first"
    assert "stay as they were" in caplog.text


def test_mutual_tls_wants_a_certificate_of_the_clients_authority(
    serve: Callable[..., Service], trace_request: Callable[..., bytes], files: Files
) -> None:
    """Whoever has none does not even get to show a token."""
    clients = Authority(files.folder, "clients")
    cert, key = files.folder / "client.pem", files.folder / "client.key"
    clients.issue("client", cert, key)
    service = serve(
        tls_cert=str(files.cert), tls_key=str(files.key), tls_client_ca=str(clients.cert)
    )
    roots = files.authority.cert.read_bytes()
    with_one = grpc.ssl_channel_credentials(roots, key.read_bytes(), cert.read_bytes())
    trust = ssl.create_default_context(cafile=str(files.authority.cert))

    with grpc.secure_channel(service.grpc, grpc.ssl_channel_credentials(roots)) as channel:
        error = refusal(lambda: channel.unary_unary(EXPORT)(trace_request(1), timeout=30))
    with grpc.secure_channel(service.grpc, with_one) as channel:
        channel.unary_unary(EXPORT)(trace_request(1), timeout=30)
    for url in (service.http, service.web):
        with pytest.raises(httpx.TransportError):
            httpx.get(f"{url}/api/v1/health", verify=trust)
    trust.load_cert_chain(cert, key)

    assert error.code() is grpc.StatusCode.UNAVAILABLE
    assert httpx.get(f"{service.web}/api/v1/health", verify=trust).status_code == 200


def test_certificates_and_the_clients_authority_are_renewed_while_clients_send(
    serve: Callable[..., Service], trace_request: Callable[..., bytes], files: Files
) -> None:
    """Nobody who is let in before and after may notice; who is let in no more must."""
    clients = Authority(files.folder, "clients")
    cert, key = files.folder / "client.pem", files.folder / "client.key"
    clients.issue("client", cert, key)
    roots, trusted = files.authority.cert.read_bytes(), files.folder / "trusted.pem"
    trusted.write_bytes(clients.cert.read_bytes())
    service = serve(tls_cert=str(files.cert), tls_key=str(files.key), tls_client_ca=str(trusted))
    mine = grpc.ssl_channel_credentials(roots, key.read_bytes(), cert.read_bytes())
    stop, sent, errors = threading.Event(), [0, 0], []

    def send(number: int) -> None:
        while not stop.is_set():  # a handshake for each
            local = [("grpc.use_local_subchannel_pool", 1)]
            with grpc.secure_channel(service.grpc, mine, local) as channel:
                sent[number] += 1
                first = 10**9 * number + sent[number]
                try:
                    channel.unary_unary(EXPORT)(trace_request(1, first=first), timeout=30)
                except grpc.RpcError as error:
                    errors.append(error)

    threads = [threading.Thread(target=send, args=(number,)) for number in range(2)]
    for thread in threads:
        thread.start()
    for round_ in range(6):
        _replaced(files, f"server {round_}")
        before = min(sent)
        while min(sent) < before + 2 and not errors:
            time.sleep(0.01)
    stop.set()
    for thread in threads:
        thread.join()
    assert errors == []
    assert service.counters.total(SPANS_ACCEPTED) == sum(sent)

    other = Authority(files.folder, "others")
    other.cert.replace(trusted)
    with grpc.secure_channel(service.grpc, mine) as channel:
        error = refusal(lambda: channel.unary_unary(EXPORT)(trace_request(1), timeout=30))
    assert error.code() is grpc.StatusCode.UNAVAILABLE
    trust = ssl.create_default_context(cafile=str(files.authority.cert))
    trust.load_cert_chain(cert, key)
    with pytest.raises(httpx.TransportError):
        httpx.get(f"{service.web}/api/v1/health", verify=trust)


def _replaced(files: Files, name: str) -> None:
    """Issue a new pair and put it in place, one file after the other, as a program would."""
    cert, key = files.folder / "new.pem", files.folder / "new.key"
    files.authority.issue(name, cert, key)
    cert.replace(files.cert)
    key.replace(files.key)


@pytest.mark.parametrize(
    ("given", "says"),
    [
        ({"tls_cert": "cert.pem"}, "belong together"),
        ({"tls_client_ca": "cert.pem"}, "needs --tls-cert"),
        ({"tls_cert": "cert.pem", "tls_key": "none.key"}, "No such file"),
        ({"tls_cert": "cert.pem", "tls_key": "cert.pem"}, "--tls-key"),
        ({"tls_cert": "cert.pem", "tls_key": "locked.key"}, "has a password"),
    ],
)
def test_files_that_do_not_work_stop_the_start(
    serve: Callable[..., Service], files: Files, given: dict[str, str], says: str
) -> None:
    """Better than a service that answers nobody; a locked key would ask the terminal."""
    locked = ["-aes128", "-passout", "pass:x", "-out", files.folder / "locked.key"]
    _openssl("ec", "-in", files.key, *locked)
    paths = {name: str(files.folder / file) for name, file in given.items()}

    with pytest.raises(UsageError, match=says):
        serve(**paths)


def test_commands_ask_with_a_token_over_tls(
    serve: Callable[..., Service], files: Files, monkeypatch: pytest.MonkeyPatch
) -> None:
    """`handspan kpi` asks a `serve` that holds the store, however it is secured."""
    service = serve(require_tokens=True, tls_cert=str(files.cert), tls_key=str(files.key))
    monkeypatch.setenv("SSL_CERT_FILE", str(files.authority.cert))

    with closing(HttpAnswers(service.web, token=service.token("read"))) as answers:
        assert answers.health()["status"] == "ok"
    with (
        closing(HttpAnswers(service.web)) as answers,
        pytest.raises(NotAuthenticated, match="a token is needed"),
    ):
        answers.health()


def test_metrics_are_prometheus_text(
    serve: Callable[..., Service], trace_request: Callable[..., bytes]
) -> None:
    """Read back as its own text format says, with a label that needs care."""
    service = serve()
    service.call(trace_request(3))
    service.counters.add(REQUESTS_FAILED, 2, reason='a "quoted"\\\n')
    assert service.writer.drain(30)

    answer = service.get("/metrics")
    samples = dict(line.rsplit(" ", 1) for line in answer.text.splitlines() if line[0] != "#")

    assert answer.headers["content-type"] == "text/plain; version=0.0.4; charset=utf-8"
    assert samples["handspan_spans_accepted_total"] == "3"
    assert samples["handspan_spans_stored_total"] == "3"
    assert samples[r'handspan_requests_failed_total{reason="a \"quoted\"\\\n"}'] == "2"
    assert json.loads(samples['handspan_build_info{version="0.1.0"}']) == 1
