#!/usr/bin/env python3
"""adapters.py SOURCE: docs/adapters.md lists every adapter of the standard library and of the gallery, with the number of lines that it has."""

import re
import sys
from pathlib import Path

source = Path(sys.argv[1])


def definitions(text):
    """Name, site and lines of each adapter, without comments and clauses about files. Strings may hold braces."""
    text = re.sub(r"//[^\n]*", "", re.sub(r'"[^"\n]*"', '""', text))
    for match in re.finditer(r"^adapter (\w+)", text, re.M):
        depth, end = 0, match.start()
        while end < len(text):
            depth += {"{": 1, "}": -1}.get(text[end], 0)
            end += 1
            if depth == 0 and text[end - 1] == "}":
                break
        body = re.sub(r"\bpeft \w+ \{[^}]*\}", "", text[match.start():end])
        yield match.group(1), re.search(r"\bon (\w+)", body).group(1), sum(1 for line in body.splitlines() if line.strip())


def compare(folder, page, name):
    """The definitions of a folder and the lines of its table."""
    found = sorted(entry for path in sorted((source / folder).glob("*.ftr")) for entry in definitions(path.read_text("utf-8")))
    listed = sorted((name, site, int(lines)) for name, lines, site in re.findall(r"^\| `(\w+)` \| (\d+) \| (\w+) \|", page, re.M))
    for entry in found:
        if entry not in listed:
            print(f"not in docs/adapters.md: {entry}")
    for entry in listed:
        if entry not in found:
            print(f"in docs/adapters.md, not in the {name}: {entry}")
    return found == listed and len(found) > 20


library, gallery = (source / "docs/adapters.md").read_text("utf-8").split("## A gallery: ")
same = [compare("lib/Standard/adapters", library, "library"), compare("examples/adapters", gallery, "gallery")]
assert all(same), "docs/adapters.md differs"
