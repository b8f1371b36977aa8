#!/usr/bin/env python3
"""dependencies.py SOURCE: every #include points downwards, in the order of docs/architecture.md."""

import os
import re
import sys

# What a part may include, besides itself. Parts are named by the longest entry that begins the path.
RUNTIME = {"Runtime"}
BASE = {"Frontend", "dialects", *RUNTIME}
ALLOWED = {
    "Runtime": set(),
    "dialects": RUNTIME,
    "Frontend": {"dialects", *RUNTIME},
    "Elaborate": BASE,
    "Import": {"Elaborate", *BASE},
    "Conversion": {"Elaborate", "Import", *BASE},
    "Target": {"Conversion", "Elaborate", "Import", *BASE},
    "Pipelines": {"Conversion", "Target", "Elaborate", "Import", *BASE},
    "tools": {"Pipelines", "Conversion", "Target", "Elaborate", "Import", *BASE},
}
# Parts of the runtime, from the lowest: each includes those before it.
LAYERS = ["Core", "IO", "Text", "Data", "CPU", "Run", "Main"]


def part_of(path):
    """The part of a source file, or of an include as written; None if it is not the project's."""
    match = re.match(r"(?:include/ftc/|ftc/|lib/)([A-Za-z]+)/", path)
    if match:
        return match.group(1)
    match = re.match(r"(dialects|tools)/", path)
    return match.group(1) if match else None


def layer_of(path):
    match = re.match(r"(?:include/ftc/|ftc/|lib/)Runtime/([A-Za-z]+)/", path)
    return match.group(1) if match else None


def mistakes_in(source, path):
    part, layer = part_of(path), layer_of(path)
    with open(os.path.join(source, path), encoding="utf-8") as file:
        for number, line in enumerate(file, 1):
            match = re.match(r'\s*#\s*include\s+"([^"]+)"', line)
            if not match:
                if part == "Runtime" and re.match(r"\s*#\s*include\s+[<\"](mlir|llvm)", line):
                    yield f"{path}:{number}: the runtime includes LLVM"
                continue
            included = match.group(1)
            other, other_layer = part_of(included), layer_of(included)
            if other and other != part and other not in ALLOWED[part]:
                yield f"{path}:{number}: {part} includes {other}: {included}"
            if part == "Runtime" and included.startswith(("mlir/", "llvm/", "dialects/")):
                yield f"{path}:{number}: the runtime includes {included}"
            if layer and other_layer and LAYERS.index(other_layer) > LAYERS.index(layer):
                yield f"{path}:{number}: Runtime/{layer} includes Runtime/{other_layer}: {included}"


def main():
    source, files, mistakes = sys.argv[1], 0, []
    for root in ("lib", "include", "dialects", "tools"):
        for folder, _, names in os.walk(os.path.join(source, root)):
            for name in names:
                path = os.path.relpath(os.path.join(folder, name), source)
                if name.endswith((".cpp", ".h")) and part_of(path):
                    files += 1
                    mistakes += mistakes_in(source, path)
    print(*mistakes, f"{files} files, {len(mistakes)} includes that point upwards", sep="\n")
    sys.exit(1 if mistakes or files < 100 else 0)


if __name__ == "__main__":
    main()
