"""The documents to try the translator on: every format reads its own, names stand in them, the book is a book."""

from __future__ import annotations

from pathlib import Path

from in2x.formats.document import Options
from in2x.formats.registry import read_document
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
