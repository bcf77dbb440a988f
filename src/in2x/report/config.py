"""Knobs of the page about a run."""

from __future__ import annotations

from in2x.knob import Config, knob


class ReportConfig(Config):
    """The page is made from the artifacts alone."""

    samples: int = knob(12, "Sample translations shown side by side.", unit="sentences", ge=0)
    points: int = knob(240, "Points of a learning curve; longer logs are averaged down.", ge=10)
