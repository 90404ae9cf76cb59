"""What the book ships, by whom and under what."""

from nbcore.data.catalog import CATALOG
from nbcore.publish.pages import licences


def test_every_part_has_a_licence_and_every_data_set_a_row():
    made = licences.fill("<!-- licences: software -->\n\n<!-- licences: data -->")
    rows = [[c.strip() for c in line.strip("|").split("|")] for line in made.splitlines() if line]
    software = [r for r in rows if len(r) == 4 and "---" not in r[0]][1:]
    assert len(software) == len(licences.SHIPPED) and all(r[3] and r[2] for r in software)
    assert {r[1]: r[3] for r in software}["sphinx-copybutton"] == "MIT License"
    assert [r[0].strip("`") for r in rows if len(r) == 3][2:] == list(CATALOG)


def test_a_file_that_nobody_named_is_noticed():
    known = ["styles/theme.css", "lines-data.js", "vendor/fontawesome/webfonts/fa-solid-900.woff2"]
    assert licences.unknown([*known, "jquery.js"]) == ["jquery.js"]
