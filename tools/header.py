"""Reads include/gpucompute/gpucompute.h: the one place that knows how the header is written.

Used by check_header.py, make_link_test.py and make_cdef.py.
"""
import re
from dataclasses import dataclass, field
from pathlib import Path

ROOT = Path(__file__).resolve().parent.parent
HEADER = ROOT / "include" / "gpucompute" / "gpucompute.h"
EXPORTS = ROOT / "capi" / "abi" / "exports.txt"


@dataclass
class Parameter:
    name: str
    type: str


@dataclass
class Function:
    name: str
    returns: str
    parameters: list
    doc: str  # without the comment marks; None where there is no doc block directly before the declaration
    line: int
    tags: list = field(default_factory=list)  # (tag, text) in order; the description has the tag "what"

    def tag(self, name):
        """The text of the first tag of that name, or None."""
        return next((text for tag, text in self.tags if tag == name), None)

    @property
    def since(self):
        match = re.match(r"\d+\.\d+$", (self.tag("since") or "").strip())
        return match.group() if match else None


DECLARATION = re.compile(r"^GPUC_API\s+(?P<returns>[\w\s*]+?)(?P<name>\bgpuc_\w+)\s*\((?P<parameters>[^;]*)\)\s*;", re.M)
TAG = re.compile(r"@(param(?=\[|\s)|return\b|thread\b|async\b|since\b|\w+)")


def blank_comments(text):
    """The text with its comments turned into blanks: offsets and line numbers stay."""
    return re.sub(r"/\*.*?\*/|//[^\n]*", lambda m: re.sub(r"[^\n]", " ", m.group()), text, flags=re.S)


def _doc_before(text, position):
    """The /** block that ends directly before `position`."""
    before = text[:position].rstrip()
    if not before.endswith("*/"):
        return None
    start = before.rfind("/*")
    if not before.startswith("/**", start):
        return None
    lines = before[start + 3 : -2].split("\n")
    return "\n".join(re.sub(r"^\s*\* ?", "", line) for line in lines).strip()


def _split_tags(doc):
    marks = list(TAG.finditer(doc))
    tags = [("what", doc[: marks[0].start() if marks else len(doc)].strip())]
    for mark, following in zip(marks, marks[1:] + [None]):
        tags.append((mark.group(1), doc[mark.end() : following.start() if following else len(doc)].strip()))
    return tags


def _parameters(text):
    text = " ".join(text.split())
    if text in ("void", ""):
        return []
    parameters = []
    for piece in text.split(","):
        match = re.match(r"(?P<type>.*?[\s*])(?P<name>\w+)(?P<array>(\[\w*\])*)$", piece.strip())
        parameters.append(Parameter(match["name"], (match["type"] + match["array"]).strip()))
    return parameters


def functions(text=None):
    """Every GPUC_API function, in header order."""
    text = HEADER.read_text() if text is None else text
    found = []
    for match in DECLARATION.finditer(blank_comments(text)):
        doc = _doc_before(text, match.start())
        found.append(
            Function(
                name=match["name"],
                returns=" ".join(match["returns"].split()),
                parameters=_parameters(match["parameters"]),
                doc=doc,
                line=text.count("\n", 0, match.start()) + 1,
                tags=_split_tags(doc) if doc is not None else [],
            )
        )
    return found


def fallible(text=None):
    """The functions whose result says how the call went; gpuc_last_error_status tells of an earlier one."""
    return [function for function in functions(text)
            if function.returns == "gpuc_status" and function.name != "gpuc_last_error_status"]


def statuses(text=None):
    """Every gpuc_status, name to value."""
    text = HEADER.read_text() if text is None else text
    return {name: int(value) for name, value in
            re.findall(r"\b(GPUC_OK|GPUC_ERROR_\w+) = (\d+)", blank_comments(text))}


def handle_types(text=None):
    """The opaque types: those with a typedef and no definition."""
    text = blank_comments(HEADER.read_text() if text is None else text)
    return set(re.findall(r"^typedef struct (gpuc_\w+) \1;", text, re.M))


def version(text=None):
    """(major, minor, patch)."""
    text = HEADER.read_text() if text is None else text
    return tuple(int(re.search(rf"#define GPUC_VERSION_{part} (\d+)", text).group(1))
                 for part in ("MAJOR", "MINOR", "PATCH"))
