"""Drawings as text: elements with escaped texts, numbers of one decimal; equal input gives equal bytes."""

from xml.etree import ElementTree


def node(
    parent: ElementTree.Element | None, tag: str, text: str | None = None, **attributes: object
) -> ElementTree.Element:
    """Add an element to its parent, or begin a drawing; `class_` is `class`, an underscore inside a name a hyphen."""
    given = {
        name.rstrip("_").replace("_", "-") if name != "viewBox" else name: _said(value)
        for name, value in attributes.items()
        if value is not None
    }
    made = ElementTree.Element(tag, given) if parent is None else ElementTree.SubElement(parent, tag, given)
    made.text = text
    return made


def drawing(width: float, height: float, *, name: str, title: str, desc: str) -> ElementTree.Element:
    """Begin a drawing of width x height that says what it shows; name: unique in the page."""
    labelled = f"{name}-title {name}-desc"
    root = node(None, "svg", viewBox=f"0 0 {width:g} {height:g}", role="img", aria_labelledby=labelled, class_="chart")
    node(root, "title", title, id=f"{name}-title")
    node(root, "desc", desc, id=f"{name}-desc")
    return root


def text(root: ElementTree.Element) -> str:
    """The drawing as it stands in a page; every element is closed by a tag of its own, as HTML wants it."""
    return ElementTree.tostring(root, encoding="unicode", short_empty_elements=False)


def _said(value: object) -> str:
    return f"{value:.1f}".removesuffix(".0") if isinstance(value, float) else str(value)
