"""A page loads what it uses: of the theme's 1.5 MB of icons the dozen that the book shows."""

import re
from pathlib import Path

#: name:[width, height, [other names], "code point", "path"] in the theme's script
ICON = re.compile(
    r'(?:"([a-z0-9-]+)"|([a-z0-9]+)):\[\d+,\d+,\[([^\]]*)\],"[0-9a-f]+",'
    r'(?:"[^"]*"|\["[^"]*","[^"]*"\])\],?'
)
USED = re.compile(r"\bfa-([a-z0-9-]+)")


def keep_used_icons(html: Path) -> int:
    """Leave out of the icon script what no page and no other script names; return what is kept.

    html: the folder of the built site. A script of another form than expected stays as it is.
    """
    script = next((html / "_static").rglob("fontawesome.js"), None)
    if script is None:
        return 0
    others = [p for p in html.rglob("*.html")] + [p for p in html.rglob("*.js") if p != script]
    used = {name for p in others for name in USED.findall(p.read_text("utf-8", "replace"))}
    text, kept = script.read_text("utf-8"), 0

    def keep(icon: re.Match[str]) -> str:
        nonlocal kept
        names = {icon[1] or icon[2], *re.findall(r'"([a-z0-9-]+)"', icon[3])}
        kept += bool(names & used)
        return icon[0] if names & used else ""

    script.write_text(ICON.sub(keep, text), "utf-8")
    for source in script.parent.glob("*.map"):  # of the scripts as they were; no page loads them
        source.unlink()
    return kept
