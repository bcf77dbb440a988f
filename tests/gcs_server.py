"""A stand-in of Google's object store, in its own process: its JSON routes for listing and reading, with ranges.

    python tests/gcs_server.py PORT_FILE

PUT /BUCKET/KEY lays an object down, DELETE /BUCKET empties a bucket. Buckets whose name begins with "shut" let nobody
in. (In a thread of the reading process it would wait for ever: the library holds Python's lock while it connects.)
"""

from __future__ import annotations

import json
import re
import sys
import time
from datetime import UTC, datetime
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs, unquote, urlsplit

BUCKETS: dict[str, dict[str, tuple[bytes, float]]] = {}
"""Bucket -> key -> bytes and the time they came."""


def described(bucket: str, key: str) -> dict[str, Any]:
    body, came = BUCKETS[bucket][key]
    at = datetime.fromtimestamp(came, UTC).strftime("%Y-%m-%dT%H:%M:%S.%fZ")
    return {"kind": "storage#object", "name": key, "bucket": bucket, "size": str(len(body)), "updated": at,
            "timeCreated": at, "generation": "1", "metageneration": "1"}  # fmt: skip


def listed(bucket: str, prefix: str, delimiter: str) -> dict[str, Any]:
    keys = [key for key in sorted(BUCKETS[bucket]) if key.startswith(prefix)]
    folders = {prefix + key[len(prefix) :].split(delimiter)[0] + delimiter
               for key in keys if delimiter and delimiter in key[len(prefix) :]}  # fmt: skip
    plain = [key for key in keys if not delimiter or delimiter not in key[len(prefix) :]]
    return {"kind": "storage#objects", "items": [described(bucket, key) for key in plain], "prefixes": sorted(folders)}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    wbufsize = -1

    def log_message(self, *_: object) -> None:
        pass

    def send(self, status: int, value: object = None) -> None:
        body = value if isinstance(value, bytes) else json.dumps(value or {"error": {"code": status}}).encode()
        if status == 200 and isinstance(value, bytes) and (asked := self.headers["Range"]):
            first, last = re.fullmatch(r"bytes=(\d+)-(\d*)", asked).groups()  # type: ignore[union-attr]
            stop = min(len(body), int(last) + 1 if last else len(body))
            head = f"bytes {first}-{stop - 1}/{len(body)}"
            status, body = 206, body[int(first) : stop]
        self.send_response(status)
        if status == 206:
            self.send_header("Content-Range", head)
        self.send_header("Content-Length", str(len(body)))
        self.end_headers()
        self.wfile.write(body)

    def do_GET(self) -> None:
        asked = urlsplit(self.path)
        options = {key: values[0] for key, values in parse_qs(asked.query).items()}
        found = re.fullmatch(r"/storage/v1/b/([^/]+)(?:/o(?:/(.+))?)?", asked.path)
        bucket, key = (found[1], unquote(found[2] or "")) if found else ("", "")
        if bucket.startswith("shut"):
            return self.send(401)
        if bucket not in BUCKETS or (key and key not in BUCKETS[bucket]):
            return self.send(404)
        if options.get("alt") == "media":
            return self.send(200, BUCKETS[bucket][key][0])
        if key:
            return self.send(200, described(bucket, key))
        if asked.path.endswith("/o"):
            return self.send(200, listed(bucket, options.get("prefix", ""), options.get("delimiter", "")))
        self.send(200, {"kind": "storage#bucket", "name": bucket})

    def do_PUT(self) -> None:
        _, bucket, key = unquote(self.path).split("/", 2)
        body = self.rfile.read(int(self.headers["Content-Length"]))
        BUCKETS.setdefault(bucket, {})[key] = body, time.time()
        self.send(200)

    def do_DELETE(self) -> None:
        BUCKETS[self.path.strip("/")] = {}
        self.send(200)


class Http(ThreadingHTTPServer):
    def handle_error(self, *_: object) -> None:
        """A client that hangs up is no fault here."""


if __name__ == "__main__":
    server = Http(("127.0.0.1", 0), Handler)
    port_file = Path(sys.argv[1])
    partial = port_file.with_suffix(".partial")
    partial.write_text(str(server.server_port))
    partial.rename(port_file)
    server.serve_forever()
