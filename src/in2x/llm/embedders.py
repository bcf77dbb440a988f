"""What turns texts into vectors, by the name that a recipe gives it: a model of sentence-transformers, or a server."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Protocol

import numpy as np
import numpy.typing as npt

from in2x.errors import In2xError
from in2x.llm.config import LlmConfig, is_address
from in2x.llm.embeddings import Embeddings

Floats = npt.NDArray[np.float32]


class Embedder(Protocol):
    """Anything that turns texts into vectors."""

    name: str
    """Identity of the embedder and its settings; what was made by another name is not used again."""

    def embed(self, texts: Sequence[str]) -> Floats:
        """float32 [n, dimension], one row a text (scaled to unit length by the caller)."""
        ...


class SentenceTransformerEmbedder:
    """A sentence-transformers model by hub name or local folder (package `sentence-transformers`, not required)."""

    def __init__(self, model: str) -> None:
        try:
            from sentence_transformers import SentenceTransformer  # type: ignore[import-not-found]
        except ImportError:
            raise In2xError(
                f"the embedder {model!r} needs the package sentence-transformers",
                mend="install it, or give the address of an embeddings server",
            ) from None
        try:
            self._model = SentenceTransformer(model, trust_remote_code=False)
        except (OSError, ValueError) as error:
            raise In2xError(
                f"the embedding model {model!r} cannot be loaded ({str(error).splitlines()[0]})",
                mend="give a model name or folder, or the address of an embeddings server",
            ) from None
        self.name = f"sentence-transformers:{model}"

    def embed(self, texts: Sequence[str]) -> Floats:
        """float32 [n, dimension]."""
        vectors = self._model.encode(list(texts), convert_to_numpy=True, show_progress_bar=False)
        return np.asarray(vectors, np.float32)


class EndpointEmbedder:
    """An OpenAI-compatible embeddings endpoint, asked as every server is (`in2x.llm`).

    Args:
        model: model name that the server knows.
        base_url: of the server, for example "http://localhost:8000/v1". The key is read from `OPENAI_API_KEY`.
        batch: texts per request.
    """

    def __init__(self, model: str, base_url: str, batch: int = 256) -> None:
        self._server = Embeddings(LlmConfig(base_url=base_url, model=model))
        self._url, self._batch = base_url, batch
        self.name = f"{base_url}:{model}"

    def embed(self, texts: Sequence[str]) -> Floats:
        """float32 [n, dimension]. Raises In2xError when the server fails or answers with another count of rows."""
        rows = self._server.embed(texts, self._batch)
        if len({len(row) for row in rows}) > 1:
            raise In2xError(
                f"the embedding server {self._url} changed its dimension within one batch",
                mend="give the model name of one model; the finished shards are kept",
            )
        return np.asarray(rows, np.float32)


def embedder_of(name: str, model: str) -> Embedder:
    """The embedder that a recipe names.

    Args:
        name: address of an OpenAI-compatible embeddings server, or a sentence-transformers model (hub name or folder).
        model: what the server is asked for.

    Raises:
        In2xError: the model cannot be loaded.
    """
    return EndpointEmbedder(model, name) if is_address(name) else SentenceTransformerEmbedder(name)
