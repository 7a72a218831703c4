"""Redaction: what of a URL may be shown or recorded."""

import re

# Two letters at least: C:/ is a drive. A path of `pathlib` has one slash where the URL had two.
SCHEME = r"[A-Za-z][A-Za-z0-9+.-]+:/+"
# Who asks and with which password, the query, and the fragment, each of which may open a door.
URL = re.compile(rf"({SCHEME})(?:[^\s/?#]*@)?([^\s?#'\"<>]*)(?:[?#][^\s'\"<>]*)?")
# Parts of a query whose URL has been taken apart by who reports it.
SIGNED = re.compile(
    r"\b((?:X-(?:Amz|Goog)-[A-Za-z-]+|sig|signature|[A-Za-z]*(?:AccountKey|AccessKey|access_?key(?:_?id)?|token|secret|"
    r"password|api_?key)))=[^\s&;,'\"<>)]+",
    re.IGNORECASE,
)


def without_secrets(text: str) -> str:
    """Take user names, passwords, queries and fragments out of all URLs in a text, and signatures that stand alone."""
    return SIGNED.sub(r"\1=...", URL.sub(r"\1\2", text))
