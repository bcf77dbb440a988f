"""Signs that change what a text says, wherever in a long text they stand."""

import pytest

from in2x.language.signs import signs

QUIET = "港の朝はいつも早い。\n漁師たちは網を積む。\n" * 3


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("C++ and C", ("c++a",)),
        ("F# or F", ("f#o",)),
        ("5 > 3", ("5>3",)),
        ("7 - 2, not 7 + 2", ("7-2", "7+2")),
        ("3.5 and 1,000", ("3.5", "1,0")),
        ("x² and １０％", ("x^2", "0%")),
        ("𝟓 + 𝟑", ("5+3",)),
        ("a != b", ("a!=b",)),
        ("it cost $ 5", ("t$5",)),
        ("−3 degrees", ("-3",)),
        ("a – b, well-known, * bullet, **bold**, 10:30", ("0:3",)),
        ("plain words, and no more.", ()),
    ],
)
def test_signs_are_the_same_alone_and_in_a_long_text(text: str, found: tuple[str, ...]) -> None:
    assert signs(text) == found
    assert signs(f"{QUIET}{text}\n{QUIET}") == found


def test_neighbours_in_the_lines_beside_a_sign_count() -> None:
    assert signs("漢字\nx\n>\ny\n漢字") == ("x>y",)
    assert signs("漢字\nx\n\n>\n\ny\n漢字") == (">",)
