"""The server behind the page that draws dashboards: its files, and Grafana's `/api/ds/query`."""

from __future__ import annotations

import json
import threading
import urllib.parse
import urllib.request
from contextlib import contextmanager
from http import HTTPStatus
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import TYPE_CHECKING, Any

from tests.exporter.dashboards.frames import Answer, NotSorted, frame
from tests.exporter.dashboards.macros import Range, expand

if TYPE_CHECKING:
    from collections.abc import Callable, Iterator
    from pathlib import Path

    Ask = Callable[[str], Answer]

SOURCES = [
    {
        "uid": "clickhouse",
        "name": "ClickHouse",
        "type": "grafana-clickhouse-datasource",
        "isDefault": True,
    },
    {"uid": "prometheus", "name": "Prometheus", "type": "prometheus", "isDefault": False},
]
RATE_INTERVAL = "10s"
"""What Grafana makes of $__rate_interval for a scrape every two seconds."""
_KINDS = {".html": "text/html", ".js": "text/javascript", ".css": "text/css"}


class QueryRefused(Exception):
    """The store refused a query; the message is its own."""


@contextmanager
def serving(page: Path, dashboards: Path, ask: Ask, prometheus: str = "") -> Iterator[str]:
    """Serve the page of `page` and the JSON of `dashboards`; yield the address.

    SQL is answered by `ask`, PromQL by the Prometheus at the address `prometheus`.
    """

    class Handler(_Handler):
        folders = {"": page, "dashboards": dashboards}  # noqa: RUF012 - one server, one page
        asked = staticmethod(ask)
        at_prometheus = prometheus

    server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
    thread = threading.Thread(target=server.serve_forever, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


class _Handler(BaseHTTPRequestHandler):
    folders: dict[str, Path]
    asked: Ask
    at_prometheus: str

    def do_GET(self) -> None:
        """Answer a file, or the list of data sources."""
        path = self.path.partition("?")[0].strip("/") or "index.html"
        if path == "sources.json":
            self._send(json.dumps(SOURCES).encode(), "application/json")
            return
        folder, _, name = path.rpartition("/")
        file = self.folders.get(folder, self.folders[""]) / name
        if not file.is_file():
            self.send_error(HTTPStatus.NOT_FOUND)
            return
        self._send(file.read_bytes(), _KINDS.get(file.suffix, "application/json"))

    def do_POST(self) -> None:
        """Answer the queries of a panel."""
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        results = {query["refId"]: self._result(query, body) for query in body["queries"]}
        self._send(json.dumps({"results": results}).encode(), "application/json")

    def log_message(self, *_: object) -> None:
        """Say nothing: the page reports what failed."""

    def _result(self, query: dict[str, Any], body: dict[str, Any]) -> dict[str, Any]:
        shown = Range(int(body["from"]), int(body["to"]), int(query.get("intervalMs", 1000)))
        if query.get("expr"):
            return {"status": HTTPStatus.OK, "frames": self._series(query, shown)}
        sql = expand(query["rawSql"], shown)
        try:
            found = frame(self.asked(sql), query["refId"], query["format"], sql)
        except (QueryRefused, NotSorted) as error:
            return {"error": str(error), "status": HTTPStatus.BAD_REQUEST, "frames": []}
        return {"status": HTTPStatus.OK, "frames": [found]}

    def _series(self, query: dict[str, Any], shown: Range) -> list[dict[str, Any]]:
        expression = query["expr"].replace("$__rate_interval", RATE_INTERVAL)
        words = {
            "query": expression,
            "start": shown.from_ms / 1000,
            "end": shown.to_ms / 1000,
            "step": max(shown.interval_s, 5),
        }
        url = f"{self.at_prometheus}/api/v1/query_range?{urllib.parse.urlencode(words)}"
        with urllib.request.urlopen(url) as answer:  # noqa: S310 - our own address
            found = json.load(answer)["data"]["result"]
        return [_frame(query, one) for one in found]

    def _send(self, body: bytes, kind: str) -> None:
        self.send_response(HTTPStatus.OK)
        self.send_header("Content-Type", f"{kind}; charset=utf-8")
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)


def _frame(query: dict[str, Any], series: dict[str, Any]) -> dict[str, Any]:
    labels = series["metric"]
    legend = query["legendFormat"]
    for name, value in labels.items():
        legend = legend.replace(f"{{{{{name}}}}}", value)
    number = {
        "name": "Value",
        "type": "number",
        "labels": labels,
        "config": {"displayNameFromDS": legend},
    }
    fields = [{"name": "Time", "type": "time"}, number]
    moments = [int(at * 1000) for at, _ in series["values"]]
    values = [None if value == "NaN" else float(value) for _, value in series["values"]]
    return {
        "schema": {"refId": query["refId"], "fields": fields},
        "data": {"values": [moments, values]},
    }
