"""Errors in the shape of a contract: each interface says once how a fault looks, and its routes answer so."""

from __future__ import annotations

from collections.abc import Callable, Coroutine
from typing import Any

from fastapi.exceptions import RequestValidationError
from fastapi.routing import APIRoute
from starlette.exceptions import HTTPException
from starlette.requests import Request
from starlette.responses import JSONResponse, Response

from in2x.errors import In2xError, UsageError
from in2x.web.guard import Fault

Body = Callable[[Fault], Any]
"""A fault -> the JSON that the contract answers with."""


def fault_of(error: Exception) -> Fault:
    """What an error is for a client.

    Raises:
        Exception: the error itself, where it is a bug of ours.
    """
    if isinstance(error, Fault):
        return error
    if isinstance(error, RequestValidationError):
        first: dict[str, Any] = next(iter(error.errors()), {})
        place = ".".join(str(part) for part in first.get("loc", ()) if part not in ("body", "query"))
        if not place or first.get("type") == "json_invalid":
            return Fault(400, "bad-request", "the body must be a JSON object, sent as application/json")
        return Fault(400, "bad-request", f"{place}: {first.get('msg', 'not as it should be')}")
    if isinstance(error, UsageError | In2xError):
        return Fault(400, "bad-request", str(error))
    if isinstance(error, HTTPException):
        if isinstance(error.__cause__, Fault):  # met while the body was read
            return error.__cause__
        return Fault(error.status_code, "bad-request", str(error.detail))
    raise error


def response(fault: Fault, body: Body) -> Response:
    """A fault as an answer, with Retry-After where it is worth trying again."""
    headers = {"Retry-After": str(int(fault.wait) + 1)} if fault.wait else {}
    return JSONResponse(body(fault), fault.status, headers)


def shaped(body: Body, *, always_json: bool = False) -> type[APIRoute]:
    """The class of the routes of an interface: `APIRouter(route_class=shaped(lambda fault: {...}))`.

    Args:
        body: the shape of its errors.
        always_json: whether a body is JSON whatever its content type says.
    """

    class Shaped(APIRoute):
        """Routes whose errors are in the contract's shape."""

        def get_route_handler(self) -> Callable[[Request], Coroutine[Any, Any, Response]]:
            """The handler, errors answered."""
            handler = super().get_route_handler()

            async def handled(request: Request) -> Response:
                if always_json:
                    others = [(name, value) for name, value in request.scope["headers"] if name != b"content-type"]
                    request.scope["headers"] = [*others, (b"content-type", b"application/json")]
                try:
                    return await handler(request)
                except Exception as error:
                    return response(fault_of(error), body)

            return handled

    return Shaped
