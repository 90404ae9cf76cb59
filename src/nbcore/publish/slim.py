"""A page loads what it uses: a dozen of the theme's icons, and of its pictures those in sight."""

import base64
import re
from pathlib import Path
from urllib.parse import unquote_to_bytes

#: name:[width, height, [other names], "code point", "path"] in the theme's script
ICON = re.compile(
    r'(?:"([a-z0-9-]+)"|([a-z0-9]+)):\[\d+,\d+,\[([^\]]*)\],"[0-9a-f]+",'
    r'(?:"[^"]*"|\["[^"]*","[^"]*"\])\],?'
)
USED = re.compile(r"\bfa-([a-z0-9-]+)")


#: a picture within a page that the browser may load later
LATER = re.compile(
    r'(<img [^>]*loading="lazy"[^>]*src=")data:image/(\w+)[^,"]*?(;base64)?,([^"]+)"'
)


def pictures_apart(page: Path) -> int:
    """Put the pictures of a page that may come later into files; return how many there were.

    Within the page they would be loaded with it, in sight or not, for light and for dark.
    """
    folder, count = page.parent / "_static" / page.stem, 0

    def put(picture: re.Match[str]) -> str:
        nonlocal count
        start, form, encoded, content = picture.groups()
        name, count = f"{count}.{form}", count + 1
        folder.mkdir(parents=True, exist_ok=True)
        read = base64.b64decode if encoded else unquote_to_bytes
        (folder / name).write_bytes(read(content))
        return f'{start}_static/{page.stem}/{name}"'

    page.write_text(LATER.sub(put, page.read_text("utf-8")), "utf-8")
    return count


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
