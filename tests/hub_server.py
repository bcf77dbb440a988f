"""A stand-in of the Hugging Face hub's routes for writing, in this process: repositories, branches, commits, LFS."""

from __future__ import annotations

import base64
import hashlib
import json
import re
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

TOKEN = "hf_a_token_of_the_tests"


class Hub:
    """What was put: `files[(kind, name, branch)]` is path -> bytes; `private`, by name."""

    def __init__(self, fault: int = 0) -> None:
        """`fault`: a status that every commit is answered with."""
        self.files: dict[tuple[str, str, str], dict[str, bytes]] = {}
        self.private: dict[str, bool] = {}
        self.large: dict[str, bytes] = {}
        owner = self

        class Handler(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def log_message(self, *_: object) -> None:
                pass

            def send(self, value: object, status: int = 200) -> None:
                raw = json.dumps(value).encode()
                self.send_response(status)
                self.send_header("Content-Type", "application/json")
                self.send_header("Content-Length", str(len(raw)))
                self.end_headers()
                self.wfile.write(raw)

            def do_PUT(self) -> None:
                raw = self.rfile.read(int(self.headers["Content-Length"]))
                owner.large[hashlib.sha256(raw).hexdigest()] = raw
                self.send({})

            def do_POST(self) -> None:
                raw = self.rfile.read(int(self.headers.get("Content-Length") or 0))
                if self.headers["Authorization"] != f"Bearer {TOKEN}":
                    return self.send({"error": "Invalid username or password."}, 401)
                if self.path == "/api/repos/create":
                    asked = json.loads(raw)
                    name = f"{asked['organization']}/{asked['name']}" if asked.get("organization") else asked["name"]
                    kind = asked.get("type") or "model"
                    place = f"{owner.url}/{'datasets/' if kind == 'dataset' else ''}{name}"
                    if (kind, name, "main") in owner.files:
                        return self.send({"error": "You already created this repo", "url": place}, 409)
                    owner.files[kind, name, "main"] = {}
                    owner.private[name] = bool(asked.get("private") or asked.get("visibility") == "private")
                    return self.send({"url": place, "id": name})
                if self.path == "/api/validate-yaml":
                    return self.send({"errors": [], "warnings": []})
                if self.path.endswith(".git/info/lfs/objects/batch"):
                    put = {"upload": {"href": f"{owner.url}/put"}}
                    objects = [{**one, "actions": put} for one in json.loads(raw)["objects"]]
                    return self.send({"transfer": "basic", "objects": objects})
                found = re.fullmatch(r"/api/(model|dataset)s/([^/]+/[^/]+)/(\w+)/(.+)", self.path)
                assert found, self.path
                kind, name, what, branch = found.groups()
                if what == "branch":
                    owner.files[kind, name, branch] = dict(owner.files[kind, name, "main"])
                    return self.send({})
                if what == "preupload":
                    files = [{"path": f["path"], "shouldIgnore": False, "oid": None,
                              "uploadMode": "lfs" if f["path"].endswith((".safetensors", ".parquet")) else "regular"}
                             for f in json.loads(raw)["files"]]  # fmt: skip
                    return self.send({"files": files})
                if fault:
                    return self.send({"error": "no"}, fault)
                tree = owner.files[kind, name, branch]
                for line in raw.splitlines():
                    row = json.loads(line)
                    value = row["value"]
                    if row["key"] == "file":
                        tree[value["path"]] = base64.b64decode(value["content"])
                    elif row["key"] == "lfsFile":
                        tree[value["path"]] = owner.large[value["oid"]]
                self.send({"success": True, "commitOid": "0" * 40, "commitUrl": f"{owner.url}/{name}/commit/0",
                           "hookOutput": ""})  # fmt: skip

        self._server = ThreadingHTTPServer(("127.0.0.1", 0), Handler)
        self.url = f"http://127.0.0.1:{self._server.server_address[1]}"

    def __enter__(self) -> Hub:
        threading.Thread(target=self._server.serve_forever, daemon=True).start()
        return self

    def __exit__(self, *_: object) -> None:
        self._server.shutdown()
        self._server.server_close()
