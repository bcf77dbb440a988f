"""All hostile inputs, room by room."""

from __future__ import annotations

import itertools
from dataclasses import replace

from hostile_corpus import corpus, training_data
from hostile_documents import formats
from hostile_input import Input
from hostile_models import models
from hostile_routes import people_routes, serve_routes
from hostile_words import others, recipes, words


def inputs() -> list[Input]:
    """All of them, in a fixed order; in a room no two have one label."""
    rooms = (formats, corpus, training_data, recipes, words, models, serve_routes, people_routes, others)
    found: dict[tuple[str, str], Input] = {}
    for new in itertools.chain.from_iterable(room() for room in rooms):
        label = new.label
        for again in itertools.count(2):
            if (new.room, label) not in found:
                break
            label = f"{new.label} ({again})"
        found[new.room, label] = replace(new, label=label)
    return list(found.values())
