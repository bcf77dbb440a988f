"""`in2x people serve`: one process that serves pages and interface (`API.md`) and owns the writer of the store."""

from __future__ import annotations

import errno
import socket
from collections.abc import AsyncIterator, Collection
from contextlib import asynccontextmanager
from pathlib import Path

import uvicorn
from fastapi import FastAPI, Request, Response
from fastapi.responses import FileResponse, HTMLResponse
from fastapi.staticfiles import StaticFiles
from sqlalchemy.exc import DBAPIError
from starlette.concurrency import run_in_threadpool
from starlette.exceptions import HTTPException
from starlette.types import ASGIApp

from in2x.errors import In2xError, UsageError
from in2x.pages.environment import environment
from in2x.people import admin, annotate
from in2x.people.annotate import STRANGERS
from in2x.people.live import Live
from in2x.people.store import Store
from in2x.people.writer import Writer
from in2x.web.connections import Connection
from in2x.web.guard import LOCAL, Fault, Guard, Rules

HERE = Path(__file__).parent
SORRY = "something went wrong here; keep your answers"


def application(store: Store, hosts: Collection[str] = ()) -> ASGIApp:
    """The ASGI application on an open store; the store is closed when it ends.

    Args:
        store: the store.
        hosts: names beside those of this machine under which the server may be asked.
    """
    live, writer = Live(store), Writer(store)

    @asynccontextmanager
    async def lifespan(_: FastAPI) -> AsyncIterator[None]:
        yield
        await run_in_threadpool(writer.close)
        store.close()

    app = FastAPI(docs_url=None, redoc_url=None, openapi_url=None, lifespan=lifespan)
    app.include_router(annotate.router(live, writer))
    app.include_router(admin.router(live, writer))
    app.mount("/static", StaticFiles(directory=HERE / "static", packages=[("in2x.web", "static")]))
    refusal = environment().get_template("people/templates/refused.html.jinja")

    @app.get("/a/{token}")
    async def page(token: str, request: Request) -> Response:
        try:
            await run_in_threadpool(live.visitor, token)
        except Fault as fault:
            STRANGERS.take(request.client.host if request.client else "")
            return HTMLResponse(refusal.render(fault=fault), fault.status)
        return FileResponse(HERE / "templates" / "task.html", media_type="text/html; charset=utf-8")

    @app.get("/healthz")
    async def health() -> dict[str, str]:
        return {"status": "ok"}

    @app.exception_handler(Fault)
    async def fault(_: Request, fault: Fault) -> Response:
        headers = {"Retry-After": str(int(fault.wait) + 1)} if fault.wait else {}
        return Response(fault.body(), fault.status, headers, "application/json")

    @app.exception_handler(HTTPException)
    async def unknown(request: Request, error: HTTPException) -> Response:
        name = {404: "not-found", 405: "bad-request"}.get(error.status_code, "bad-request")
        return await fault(request, Fault(error.status_code, name, str(error.detail)))

    @app.exception_handler(UsageError)
    async def usage(request: Request, error: UsageError) -> Response:
        return await fault(request, Fault(400, "bad-request", str(error)))

    @app.exception_handler(DBAPIError)
    async def away(request: Request, error: DBAPIError) -> Response:
        return await fault(request, Fault(503, "not-saved", f"the store is away ({type(error).__name__})", 5))

    @app.exception_handler(Exception)
    async def bug(request: Request, _: Exception) -> Response:
        return await fault(request, Fault(500, "fault", SORRY))

    return Guard(app, Rules(frozenset(hosts), forms=("/admin",), sorry=SORRY))


def serve(store: str, host: str, port: int, hosts: Collection[str]) -> None:
    """Serve `store` until interrupted.

    Args:
        store: file or URL.
        host: address to listen on.
        port: 0 takes a free one.
        hosts: names beside those of this machine under which it may be asked.

    Raises:
        UsageError: it would be reached from elsewhere, and under which name is not said.
        In2xError: the store cannot be opened, or the port is taken.
    """
    if host not in (*LOCAL, "::1") and not hosts:
        raise UsageError(f"--host {host} lets others in, who need a name to ask for",
                         mend="give it with --allow-host NAME (it must be the one in their address bar)")  # fmt: skip
    opened = Store.open(store)
    family = socket.AF_INET6 if ":" in host else socket.AF_INET
    listener = socket.socket(family, socket.SOCK_STREAM)
    listener.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)
    try:
        listener.bind((host, port))
        listener.listen(2048)  # from now on a browser waits, so the address may be told
    except OSError as error:
        if error.errno not in (errno.EADDRINUSE, errno.EACCES, errno.EADDRNOTAVAIL):
            raise
        raise In2xError(f"{host}:{port} cannot be had ({error.strerror})", mend="choose another: --port") from None
    shown = f"[{host}]" if family == socket.AF_INET6 else host
    print(f"http://{shown}:{listener.getsockname()[1]}", flush=True)
    config = uvicorn.Config(application(opened, hosts), access_log=False, log_level="warning", server_header=False,
                            proxy_headers=False, timeout_keep_alive=75, ws="none", http=Connection)  # fmt: skip
    uvicorn.Server(config).run(sockets=[listener])
