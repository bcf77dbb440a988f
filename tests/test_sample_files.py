"""The documents to try the translator on: every format reads its own, names stand in them, the book is a book."""

from __future__ import annotations

import re
from pathlib import Path

from in2x.formats.document import Options
from in2x.formats.registry import read_document
from in2x.sample import everyday, texts
from in2x.sample.files import write_files
from in2x.translate.characters import read_characters
from in2x.translate.glossary import read_glossary


def test_they_are_read_and_hold_what_the_glossary_names(tmp_path: Path) -> None:
    files = {file.name: file for file in write_files(tmp_path / "tryout")}
    glossary = read_glossary(files["glossary.tsv"], "en", "ja")
    people = read_characters(files["characters.yaml"], "ja")
    assert set(people.names) == {term.source for term in glossary.terms}
    for name in ("film.srt", "story.md", "story.epub"):
        document = read_document(files[name], Options("en", "ja"))
        assert len(document.segments) > 15 and document.write({}) == files[name].read_bytes()
        if name != "film.srt":
            assert any(glossary.due(segment.text) for segment in document.segments)
    again = {file.name: file.read_bytes() for file in write_files(tmp_path / "again")}
    assert again == {name: file.read_bytes() for name, file in files.items()}


def test_everything_said_in_them_is_taught(tmp_path: Path) -> None:
    files = {file.name: file for file in write_files(tmp_path)}
    film = read_document(files["film.srt"], Options("en", "ja")).segments
    said = [sentence for segment in film for sentence in re.split(r"(?<=[.?]) ", segment.text)]
    assert len(said) > 25 and [sentence for sentence in said if not everyday.known(sentence, "en")] == []
    told = [
        re.compile(re.sub(r"\\{\w+\\}", r"[\\w ]+", re.escape(sentence)).replace("a [", "an? ["))
        for sentence, _, _ in texts.narration()
    ]
    for segment in read_document(files["story.epub"], Options("en", "ja")).segments:
        for sentence in re.split(r"(?<=[.?]) (?![a-z])", segment.text):
            assert any(one.match(sentence) for one in told) or everyday.known(sentence, "en") or "stories" in sentence


def test_the_film_shows_what_subtitles_hold(tmp_path: Path) -> None:
    film = (write_files(tmp_path)[0]).read_text(encoding="utf-8")
    assert all(sign in film for sign in ("♪", "<i>", "\n- ", "Kenta", "3,000"))
