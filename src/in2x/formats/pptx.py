"""PowerPoint presentations: slides in their order, each with its notes, its charts and its diagrams.

Masters and layouts hold what an author sees and no reader does, and stay.
"""

from __future__ import annotations

from in2x.formats.document import Options
from in2x.formats.office import DrawingReader, Office, value
from in2x.formats.package_document import PackageDocument

_MAIN = ("presentation.main+xml", "slideshow.main+xml", "template.main+xml", "presentation.macroEnabled.main+xml")


def read(raw: bytes, name: str, options: Options) -> PackageDocument:
    """The texts of a presentation.

    Raises:
        In2xError: no such presentation, or a package made to do harm.
    """
    office = Office(raw, name, options)
    main = office.main(*_MAIN)
    xml = office.xml(main)
    relations = office.relations(main)
    number = 0
    for index in sorted(xml.close):
        if xml.local(index) != "sldId":
            continue
        own = next((key for key in (value(xml, index, "r:id"), value(xml, index, "rel:id")) if key in relations), "")
        if not own:
            continue
        number += 1
        called, path = f"slide {number}", relations[own].path
        office.drawings(path, called, called)
        for relation in office.relations(path).values():
            if relation.kind == "notesSlide" and relation.path in office.package.entries:
                DrawingReader(office, relation.path).paragraphs(f"{called}, notes", called)
    return PackageDocument(
        raw, tuple(office.draft.segments), tuple(office.draft.skipped), package=office.package, parts=office.parts
    )
