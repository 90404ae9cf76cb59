"""Links that nobody has to write: a Sphinx extension.

Every claim that the text names ("claim A6", "A5 and A7") leads to its card, and in each chapter the
first use of a term leads to the glossary.
"""

import re
from collections.abc import Iterator
from typing import Any

from docutils import nodes
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment

from nbcore import claims
from nbcore.publish.chapters import find_chapters

GLOSSARY = "glossary"
CLAIM = re.compile(r"\b[A-Z]\d{1,2}\b")
CITATION_ROLE = re.compile(r' role="(?:list(?=" class="citation-list)|doc-biblioentry)"')
#: where text is not prose, or leads elsewhere already
CLOSED = (
    nodes.title,
    nodes.reference,
    nodes.literal,
    nodes.math,
    nodes.FixedTextElement,
    nodes.raw,
)


def link(app: Sphinx, doctree: nodes.document, docname: str) -> None:
    """Link the claims and the terms in one page."""
    targets = _claim_pages(app.env)
    if docname.startswith("chapters/"):
        _link_terms(app, doctree, docname)
    for text in list(_prose(doctree)):
        _link_claims(app, text, docname, targets)


def _claim_pages(env: BuildEnvironment) -> dict[str, str]:
    """Map each claim to the page that has its card: its chapter's, or that of all claims."""
    pages = {c.slug: f"chapters/{c.stem}" for c in find_chapters()}
    found = {}
    for claim in claims.ledger().values():
        for page in ("claims", pages.get(claim.chapter, "")):  # the later one wins
            if page in env.found_docs:
                found[claim.id] = page
    return found


def _prose(doctree: nodes.document) -> Iterator[nodes.Text]:
    for text in doctree.findall(nodes.Text):
        node = text.parent
        while node is not None and not isinstance(node, CLOSED):
            node = node.parent
        if node is None:
            yield text


def _link_claims(app: Sphinx, text: nodes.Text, page: str, targets: dict[str, str]) -> None:
    made: list[nodes.Node] = []
    end = 0
    for found in CLAIM.finditer(text):
        if found[0] not in targets:
            continue
        made.append(nodes.Text(text[end : found.start()]))
        uri = _uri(app, page, targets[found[0]], f"claim-{found[0]}")
        made.append(_reference(found[0], uri, "claim-link", claims.get(found[0]).title))
        end = found.end()
    if made:
        text.parent.replace(text, [*made, nodes.Text(text[end:])])


def _link_terms(app: Sphinx, doctree: nodes.document, page: str) -> None:
    """Link the first use of each term of the glossary; the longest terms choose first."""
    terms = _terms(app.env)
    for term in sorted(terms, key=len, reverse=True):
        # no part of a name (imagenet-testbed), and no straight line
        word = re.compile(rf"(?<![\w-])(?<!straight ){re.escape(term)}(?:s|es)?(?![\w-])", re.I)
        for text in _prose(doctree):
            if found := word.search(text):
                uri = _uri(app, page, GLOSSARY, terms[term])
                made = _reference(found[0], uri, "term-link", "")
                ends = nodes.Text(text[: found.start()]), nodes.Text(text[found.end() :])
                text.parent.replace(text, [ends[0], made, ends[1]])
                break


def _terms(env: BuildEnvironment) -> dict[str, str]:
    """Map each term, without what stands in brackets behind it, to its place on its page."""
    objects = env.get_domain("std").get_objects()
    known = [o for o in objects if o[2] == "term" and o[3] == GLOSSARY]
    return {re.sub(r"\s*\(.*\)$", "", name): anchor for name, _, _, _, anchor, _ in known}


def _uri(app: Sphinx, page: str, target: str, anchor: str) -> str:
    return f"{app.builder.get_relative_uri(page, target) if page != target else ''}#{anchor}"


def _reference(words: str, uri: str, kind: str, title: str) -> nodes.reference:
    made = nodes.reference("", words, refuri=uri, internal=True, classes=[kind])
    if title:
        made["reftitle"] = title
    return made


def plain_citations(
    app: Sphinx, page: str, template: str, context: dict[str, Any], doctree: Any
) -> None:
    """Take roles from a page's citations that docutils gives them and that ARIA does not know."""
    if body := context.get("body"):
        context["body"] = CITATION_ROLE.sub("", body)


def setup(app: Sphinx) -> dict[str, Any]:
    """Link pages when their references are resolved, and only in HTML."""
    app.connect("doctree-resolved", link)
    app.connect("html-page-context", plain_citations)
    return {"parallel_read_safe": True, "parallel_write_safe": True}
