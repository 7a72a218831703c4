"""The formats of image files that are read; what some of them need: optional packages, and a look at their depth."""

import io
import re
from importlib import import_module
from importlib.util import find_spec

from PIL import Image, ImageFile, features

from corruptgen.errors import Rejected

# The content decides, not the name: a JPEG called .png is read as what it is. JPEG includes those with previews (MPO).
USUAL = ("BMP", "GIF", "JPEG", "PNG", "PPM", "TIFF", "WEBP")
EXTENSIONS = frozenset(
    {".avif", ".bmp", ".gif", ".heic", ".heif", ".hif", ".j2c", ".j2k", ".jfif", ".jp2", ".jpc", ".jpe", ".jpeg"}
    | {".jpf", ".jpg", ".jpx", ".jxl", ".pbm", ".pgm", ".png", ".pnm", ".ppm", ".tif", ".tiff", ".webp"}
)
BITS = 8
FILE_TYPE = b"ftyp"
LONGEST_FILE_TYPE = 256  # bytes, of the list of brands that are looked at
HEIC_BRANDS = (b"heic", b"heix", b"heim", b"heis", b"hevc", b"hevx", b"mif1", b"msf1")
# How many channels there are; behind it, a byte with the bits of each.
CHANNELS = re.compile(rb"pixi\0\0\0\0(.)", re.DOTALL)
AVIF_BRANDS = (b"avif", b"avis")
JXL_MAGIC = (b"\xff\x0a", b"\0\0\0\x0cJXL \r\n\x87\n")
JP2_MAGIC = b"\0\0\0\x0cjP  \r\n\x87\n"
CODESTREAM = b"\xff\x4f\xff\x51"
# Where a codestream of JPEG 2000 says how many components there are; behind it, three bytes about each.
COMPONENTS, DEPTHS = 40, 42
# The plugin of Pillow for a format, how it is registered, and what it is installed by.
PLUGINS = {"HEIF": ("pillow_heif", "register_heif_opener"), "JXL": ("pillow_jxl", "")}


def load_plugin(content: bytes) -> None:
    """Load the plugin that a file needs, and refuse a file that would be decoded with fewer bits than it has.

    Raises
    ------
    Rejected
        If the plugin is not installed, or if samples have more than 8 bits.
    """
    form = _form(content)
    if form in PLUGINS and form not in Image.OPEN:
        _register(form)
    if form == "AVIF" and not features.check("avif"):
        raise Rejected("is an AVIF file, which the installed Pillow cannot decode; install Pillow 11.3 or later")
    bits = _DEPTHS[form](content) if form in _DEPTHS else BITS
    if bits > BITS:
        raise Rejected(f"has samples of {bits} bits, which {form} files are read without; convert it to 8 bits first")


def open_image(content: bytes) -> ImageFile.ImageFile:
    """Open an image file that is prepared, with the decoders of its format alone; to be closed by the caller."""
    form = _form(content)
    return Image.open(io.BytesIO(content), formats=(form,) if form else USUAL)


def _form(content: bytes) -> str:
    """Name the format of a file that Pillow alone does not read as it is."""
    if content[4:8] == FILE_TYPE:
        length = min(int.from_bytes(content[:4]), LONGEST_FILE_TYPE)
        brands = [content[8:12], *(content[at : at + 4] for at in range(16, length, 4))]
        if any(brand in AVIF_BRANDS for brand in brands):
            return "AVIF"
        return "HEIF" if any(brand in HEIC_BRANDS for brand in brands) else ""
    if content.startswith((JP2_MAGIC, CODESTREAM)):
        return "JPEG2000"
    return "JXL" if content.startswith(JXL_MAGIC) else ""


def _register(form: str) -> None:
    package, function = PLUGINS[form]
    if find_spec(package) is None:
        raise Rejected(f"is a {form} file, for which {package} is needed: pip install 'corruptgen[formats]'")
    plugin = import_module(package)
    if function:
        getattr(plugin, function)()


def _depth_of_boxes(content: bytes) -> int:
    """Read the depth of HEIF and AVIF: of luma in the decoder's configuration, and what is said of channels."""
    flags = _behind(content, b"av1C", 2)
    av1 = BITS if not flags & 0x40 else 12 if flags & 0x20 else 10
    hevc = BITS + (_behind(content, b"hvcC", 17) & 0x07)
    said = [max(content[found.end() : found.end() + found[1][0]], default=0) for found in CHANNELS.finditer(content)]
    return max(av1, hevc, *said)


def _behind(content: bytes, name: bytes, offset: int) -> int:
    """Return a byte of the configuration with this name; 0 if there is none."""
    at = content.find(name)
    place = at + len(name) + offset
    return content[place] if at >= 0 and place < len(content) else 0


def _depth_of_jpeg_2000(content: bytes) -> int:
    start = content.find(CODESTREAM)
    count = int.from_bytes(content[start + COMPONENTS : start + DEPTHS])
    depths = content[start + DEPTHS : start + DEPTHS + 3 * count : 3]
    return max(((depth & 0x7F) + 1 for depth in depths), default=BITS) if start >= 0 else BITS


_DEPTHS = {"AVIF": _depth_of_boxes, "HEIF": _depth_of_boxes, "JPEG2000": _depth_of_jpeg_2000}
