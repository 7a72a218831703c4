"""The page of a gallery: one HTML file that loads nothing from anywhere."""

import base64
import hashlib
import re
from collections.abc import Iterable, Iterator, Mapping
from html import escape
from importlib import resources
from itertools import pairwise
from string import Template

from corruptgen.gallery.model import Frame, Gallery, GalleryImage, GalleryRow
from corruptgen.gallery.thumbnails import Thumbnail
from corruptgen.publishing.wording import meanings, value_text
from corruptgen.tables.interpolation import Value
from corruptgen.values.arguments import severity_text

REFERENCES = re.compile(r"^References\n-+\n(.*?)(?=\n\n\w[^\n]*\n-+\n|\Z)", re.MULTILINE | re.DOTALL)
URL = re.compile(r"https?://[^\s,;)&<]+")
CODE = re.compile(r"`([^`]+)`")
BYTES_PER_MB = 10**6


def write_page(gallery: Gallery) -> str:
    """Write a gallery as HTML.

    The browser is told to load nothing and to run nothing but the page's own style and script, whatever a name or a
    table may hold.

    Parameters
    ----------
    gallery : Gallery
        What the page shows.

    Returns
    -------
    str
        The page, as HTML.
    """
    style, script = _asset("page.css"), _asset("page.js")
    sections = "\n".join(_row_section(entry) for entry in gallery.rows)
    severities = sorted({0.0, *(frame.severity for e in gallery.rows for image in e.images for frame in image.frames)})
    # The slider for all rows stops wherever one of them has a picture.
    step = min((upper - lower for lower, upper in pairwise(severities)), default=1.0)
    return Template(_asset("page.html")).substitute(
        title=escape(gallery.title),
        policy=escape(f"style-src '{_digest(style)}'; script-src '{_digest(script)}'"),
        style=style,
        script=script,
        facts="\n".join(f"<li>{_linked(fact)}</li>" for fact in gallery.facts),
        counts=f"{len(gallery.rows)} rows, {gallery.frames} pictures, {len(sections) / BYTES_PER_MB:.1f} MB in all",
        index=_index(gallery),
        images=_image_choice(gallery.images),
        last=severity_text(severities[-1]),
        step=f"{step:g}",
        gallery_rows=sections,
    )


def _row_section(entry: GalleryRow) -> str:
    name = entry.row.name
    if entry.missing:
        shown = f'<p class="missing">There are no pictures: {escape(entry.missing)}</p>'
    else:
        blocks = "\n".join(_image_block(name, number, image) for number, image in enumerate(entry.images))
        shown = blocks + _slider(name, entry.images[0])
    return Template(_asset("row.html")).substitute(
        name=escape(name),
        kind=escape(", ".join(f"{corruption.domain}, {corruption.family}" for corruption in entry.corruptions[:1])),
        summary=" ".join(f"<p>{escape(sentence)}</p>" for sentence in entry.row.sentences),
        shown=shown,
        parameters=_parameters(entry),
        words="\n".join(_words(entry)),
    )


def _image_block(row: str, number: int, image: GalleryImage) -> str:
    clean = ""
    if image.clean:
        picture = _picture(image.clean, f"{image.image}, clean")
        clean = f'<figure class="clean">{picture}<figcaption>clean</figcaption></figure>'
    frames = "\n".join(_frame(row, frame) for frame in image.frames)
    hidden = " hidden" if number else ""
    return (
        f'<div class="take" data-image="{number}"{hidden}>\n<div class="pair">{clean}'
        f'<figure class="shown" hidden></figure></div>\n'
        f'<div class="strip" role="group" aria-label="{escape(f"Severities of {row}")}">\n{frames}\n</div>\n</div>\n'
    )


def _frame(row: str, frame: Frame) -> str:
    severity = severity_text(frame.severity)
    told = "; ".join(_told(frame.parameters))
    says = f"severity {severity}" + (f": {told}" if told else "")
    kind = "frame" if frame.severity == int(frame.severity) else "frame between"
    return (
        f'<button type="button" class="{kind}" data-severity="{severity}" data-says="{escape(says)}" '
        f'aria-pressed="false">{_picture(frame.picture, f"{row}, {says}")}<span>{severity}</span></button>'
    )


def _picture(picture: Thumbnail, alt: str) -> str:
    kinds = [name for name, holds in (("pixels", picture.is_lossless), ("film", picture.is_film)) if holds]
    kind = f' class="{" ".join(kinds)}"' if kinds else ""
    size = f'width="{picture.width}" height="{picture.height}"'
    return f'<img{kind} src="{picture.uri}" {size} alt="{escape(alt)}">'


def _slider(row: str, image: GalleryImage) -> str:
    first = 0 if image.clean else 1
    return (
        f'<p class="control" hidden><label>severity <input type="range" min="{first}" max="{len(image.frames)}" '
        f'value="{first}" aria-label="{escape(f"Severity of {row}")}"></label> <output></output></p>'
    )


def _parameters(entry: GalleryRow) -> str:
    if not entry.parameters:
        return "<p>This row has no parameters.</p>"
    head = "".join(f'<th scope="col">{severity_text(severity)}</th>' for severity in entry.levels)
    lines = "\n".join(
        f'<tr><th scope="row"><code>{escape(name)}</code></th>'
        + "".join(f"<td>{escape(value_text(value))}</td>" for value in values)
        + "</tr>"
        for name, values in entry.parameters.items()
    )
    return (
        f'<div class="wide" tabindex="0" role="region" aria-label="{escape(f"Parameters of {entry.row.name}")}">'
        f'<table><thead><tr><th scope="col">severity</th>{head}</tr></thead><tbody>{lines}</tbody></table></div>'
    )


def _words(entry: GalleryRow) -> Iterator[str]:
    said = meanings(entry.row)
    if said:
        terms = (f"<dt><code>{escape(name)}</code></dt><dd>{escape(text)}</dd>" for name, text in said.items())
        yield f"<dl>{''.join(terms)}</dl>"
    yield f"<p>Between two levels: {escape(entry.row.interpolation)}.</p>"
    if entry.row.at_zero:
        yield f"<p>The image stays clean at {escape('; '.join(_told(entry.row.at_zero)))}.</p>"
    for corruption in entry.corruptions:
        for references in REFERENCES.findall(corruption.docstring):
            yield f"<p>{_linked(' '.join(references.split()))}</p>"


def _told(parameters: Mapping[str, Value]) -> Iterable[str]:
    return (f"{name} {value_text(value)}" for name, value in parameters.items())


def _index(gallery: Gallery) -> str:
    """List the rows, by group where the table has groups."""
    rows = [entry.row.name for entry in gallery.rows]
    grouped = {row for members in gallery.groups.values() for row in members}
    others = [row for row in rows if row not in grouped]
    lists = [*gallery.groups.items(), *([("others" if grouped else "rows", others)] if others else [])]
    return "\n".join(
        f"<li><b>{escape(group)}</b> "
        + " ".join(f'<a href="#row-{escape(row)}">{escape(row)}</a>' for row in members)
        + "</li>"
        for group, members in lists
    )


def _image_choice(images: tuple[str, ...]) -> str:
    if len(images) < 2:
        return ""
    choices = "".join(
        f'<label><input type="radio" name="image" value="{number}"{" checked" if not number else ""}> '
        f"{escape(name)}</label>"
        for number, name in enumerate(images)
    )
    return f"<fieldset><legend>image</legend>{choices}</fieldset>"


def _linked(text: str) -> str:
    """Escape a text, set code as code and let addresses be followed; nothing is loaded unless someone does."""
    marked = CODE.sub(r"<code>\1</code>", escape(text))
    return URL.sub(lambda found: f'<a href="{found[0]}" rel="noreferrer">{found[0]}</a>', marked)


def _digest(content: str) -> str:
    return "sha256-" + base64.b64encode(hashlib.sha256(content.encode()).digest()).decode()


def _asset(name: str) -> str:
    return (resources.files("corruptgen.gallery") / name).read_text("utf-8")
