"""Objects in stores, by URL: `s3://bucket/key` (S3 and what speaks like it) and `gs://bucket/key` (Google).

Which store, and who asks, is said by the environment, by the names that other tools have, and stands in no recipe:

    AWS_ENDPOINT_URL_S3, AWS_ENDPOINT_URL   the address of a store that is not Amazon's
    AWS_REGION, AWS_DEFAULT_REGION          else Amazon is asked where the bucket lies
    AWS_ACCESS_KEY_ID, AWS_SECRET_ACCESS_KEY, AWS_SESSION_TOKEN, AWS_PROFILE; GOOGLE_APPLICATION_CREDENTIALS
    AWS_SKIP_SIGNATURE, GOOGLE_SKIP_SIGNATURE = true   read as nobody, which public buckets allow
    STORAGE_EMULATOR_HOST                   another server that speaks like Google's

Objects are read by pyarrow, in pieces, and never laid down here. What a store says of an object without its being read
(size, time of the last change) stands for its content where a key is made.
"""

from __future__ import annotations

import io
import os
import re
from dataclasses import dataclass
from functools import cache
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from in2x.errors import In2xError

if TYPE_CHECKING:
    from collections.abc import Iterator

SCHEMES = ("s3://", "gs://")
READ_AHEAD = 8 << 20
"""Bytes that one request brings."""
ATTEMPTS = 8
"""Times that a request is made before the store counts as gone."""
PATIENCE = 60.0
"""Seconds for which Google's store is asked again before it counts as gone."""
_WILD = re.compile(r"[*?\[]")
_WHY = (
    (("NO_SUCH_BUCKET", "bucket does not exist", "bucket not found"), "there is no such bucket", "correct the name"),
    (("INVALID_ACCESS_KEY_ID", "SIGNATURE_DOES_NOT_MATCH", "SignatureDoesNotMatch", "EXPIRED_TOKEN", "ExpiredToken",
      "INVALID_CLIENT_TOKEN_ID", "UNRECOGNIZED_CLIENT"), "the store does not know the key it was given", "{keys}"),
    (("ACCESS_DENIED", "HTTP response code 403", "PERMISSION_DENIED", "Permission denied", "UNAUTHENTICATED",
      "HTTP response code 401", "OAuth2", "credentials"), "the store gives no access", "{keys}"),
    (("NETWORK_CONNECTION", "Could not connect", "UNAVAILABLE", "resolve host", "Could not resolve", "curlCode"),
     "the store cannot be reached", "{address}"),
)  # fmt: skip
"""Words of the libraries, what they mean, and the mend."""


@dataclass(frozen=True, order=True)
class Stored:
    """An object as its store lists it: nothing of it has been read."""

    url: str
    size: int
    """Bytes."""
    changed: int
    """Nanoseconds since 1970."""


def is_url(text: object) -> bool:
    """Whether `text` names objects in a store."""
    return str(text).startswith(SCHEMES)


def find(url: str) -> list[Stored]:
    """The objects that `url` names, sorted: one, all below a prefix, or those that a glob (`*`, `?`, `[...]`, `**` for
    any depth) matches. Objects whose name begins with a dot are passed over, as files are, unless they are named.

    Raises:
        In2xError: there is none, no such bucket, no access, or the store cannot be reached.
    """
    from pyarrow.fs import FileSelector, FileType

    scheme, path = _parts(url)
    wild = _WILD.search(path)
    top = path[: wild.start()].rpartition("/")[0] if wild else path.rstrip("/")
    deep = not wild or "/" in path[wild.start() :]
    try:
        system = _system(scheme, top.partition("/")[0])
        one = None if wild else system.get_file_info(top)
        if one is not None and one.type == FileType.File:
            return [Stored(scheme + one.path, one.size, _time(one))]
        listed = system.get_file_info(FileSelector(top, recursive=deep))
    except FileNotFoundError as error:
        if "ListObjects" in str(error):  # Google's: a bucket that is there has a list, be it empty
            raise In2xError("there is no such bucket", file=url, mend="correct the name") from None
        listed = []
    except OSError as error:
        if "No such file or directory" not in str(error):  # of a prefix, as pyarrow puts it for Google's
            raise _told(url, error) from None
        listed = []
    fits = _matcher(path) if wild else None
    named = [one for one in listed if one.type == FileType.File and not one.base_name.startswith(".")]
    found = [Stored(scheme + one.path, one.size, _time(one)) for one in named if not fits or fits.fullmatch(one.path)]
    if not found:
        raise In2xError("the bucket holds no such object", file=url, mend="correct the name, or list the bucket")
    return sorted(found)


def _time(info: Any) -> int:
    return int(info.mtime_ns or 0)


def opened(url: str, ahead: int = READ_AHEAD) -> io.BufferedReader:
    """The bytes of an object, with `seek`; `ahead` of them are fetched at a time.

    Raises:
        In2xError: here or while it is read: as `find`.
    """
    scheme, path = _parts(url)
    try:
        return io.BufferedReader(_Object(url, _system(scheme, path.partition("/")[0]).open_input_file(path)), ahead)
    except FileNotFoundError:
        raise In2xError("the object is not there any more", file=url, mend="give the same command again") from None
    except OSError as error:
        raise _told(url, error) from None


class _Object(io.RawIOBase):
    """An object as a stream that says what it lacks in one sentence, and never breaks off as a damaged file does."""

    def __init__(self, url: str, stream: Any) -> None:
        self.url, self.stream = url, stream

    def readable(self) -> bool:
        return True

    def seekable(self) -> bool:
        return True

    def readinto(self, buffer: Any) -> int:
        try:
            return int(self.stream.readinto(buffer))
        except OSError as error:
            raise _told(self.url, error) from None

    def seek(self, offset: int, whence: int = 0) -> int:
        return int(self.stream.seek(offset, whence))

    def tell(self) -> int:
        return int(self.stream.tell())

    def close(self) -> None:
        self.stream.close()
        super().close()


def sizes(url: str) -> Iterator[tuple[str, int, int]]:
    """What a key is made of: name, size and time of each object that `url` names; nothing where they cannot be listed
    (who reads them will say why).
    """
    try:
        yield from ((one.url, one.size, one.changed) for one in find(url))
    except In2xError:
        return


def _parts(url: str) -> tuple[str, str]:
    """Scheme and path. A secret in a URL would come to stand in manifests and logs, so it is refused, unnamed."""
    scheme, _, path = url.partition("://")
    bucket = path.partition("/")[0]
    if "@" in bucket:
        raise In2xError(f"a {scheme}:// URL holds a name or a key before @", mend=_keys(scheme))
    if not bucket or _WILD.search(bucket):
        raise In2xError("the URL names no bucket", file=url, mend=f"write {scheme}://bucket/prefix/*.jsonl.gz")
    return f"{scheme}://", path


def _matcher(path: str) -> re.Pattern[str]:
    """A glob over the path of an object: `*` and `?` stay in one folder, `**/` is any number of them."""
    out = ""
    for piece in re.findall(r"\*\*/|\*+|\?|\[[^\]]+\]|.", path, re.S):
        if piece == "**/":
            out += "(?:.*/)?"
        elif piece.startswith("*"):
            out += "[^/]*" if piece == "*" else ".*"
        elif piece == "?":
            out += "[^/]"
        elif len(piece) > 1:
            out += "[" + ("^" if piece[1] == "!" else "") + re.escape(piece[1:-1].lstrip("!")).replace(r"\-", "-") + "]"
        else:
            out += re.escape(piece)
    return re.compile(out, re.S)


@cache
def _system(scheme: str, bucket: str) -> Any:
    """The store of a bucket. Made once a process; what the environment says then holds.

    Raises:
        OSError: it cannot be told where the bucket lies.
    """
    from pyarrow import fs

    def flag(name: str) -> bool:
        return os.environ.get(name, "").strip().lower() in ("1", "true", "yes")

    if scheme == "gs://":
        from datetime import timedelta

        address = urlsplit(_with_scheme(os.environ.get("STORAGE_EMULATOR_HOST", "")))
        return fs.GcsFileSystem(
            anonymous=flag("GOOGLE_SKIP_SIGNATURE"), retry_time_limit=timedelta(seconds=PATIENCE),
            **({"endpoint_override": address.netloc, "scheme": address.scheme} if address.netloc else {}),
        )  # fmt: skip
    address = urlsplit(_with_scheme(os.environ.get("AWS_ENDPOINT_URL_S3") or os.environ.get("AWS_ENDPOINT_URL") or ""))
    region = os.environ.get("AWS_REGION") or os.environ.get("AWS_DEFAULT_REGION")
    if not region and not address.netloc:
        region = fs.resolve_s3_region(bucket)
    return fs.S3FileSystem(
        anonymous=flag("AWS_SKIP_SIGNATURE"), region=region or "us-east-1", connect_timeout=10, request_timeout=60,
        retry_strategy=fs.AwsStandardS3RetryStrategy(max_attempts=ATTEMPTS),
        **({"endpoint_override": address.netloc, "scheme": address.scheme} if address.netloc else {}),
    )  # fmt: skip


def _with_scheme(address: str) -> str:
    return address if not address or "://" in address else f"http://{address}"


def _keys(scheme: str) -> str:
    if scheme.startswith("gs"):
        return "set GOOGLE_APPLICATION_CREDENTIALS, or GOOGLE_SKIP_SIGNATURE=true for a bucket that all may read"
    return (
        "set AWS_ACCESS_KEY_ID and AWS_SECRET_ACCESS_KEY (or AWS_PROFILE), or AWS_SKIP_SIGNATURE=true for a bucket "
        "that all may read"
    )


def _told(url: str, error: OSError) -> In2xError:
    """What a library says of a store, as one sentence."""
    words = " ".join(str(error).split())
    address = "AWS_ENDPOINT_URL" if url.startswith("s3") else "STORAGE_EMULATOR_HOST"
    mend = {"keys": _keys(url), "address": f"check the network and {address}"}
    for signs, what, how in _WHY:
        if any(sign in words for sign in signs):
            return In2xError(what, file=url, mend=how.format(**mend))
    return In2xError(f"the store cannot be read ({words[:200]})", file=url, mend="look at what it says")
