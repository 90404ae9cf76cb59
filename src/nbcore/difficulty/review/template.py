"""The page's template, apart from what fills it: it can be shown without any network."""

import jinja2

from nbcore.text import plain


def template() -> jinja2.Template:
    """Return the page's template: whatever is put into it is shown as text."""
    return jinja2.Environment(
        loader=jinja2.PackageLoader("nbcore", "difficulty"),
        autoescape=True,
        finalize=lambda value: plain(value) if isinstance(value, str) else value,
    ).get_template("page.html.j2")
