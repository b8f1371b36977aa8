#!/usr/bin/env python3
"""sizes.py SOURCE: no file is longer than 800 lines, no function than 100."""

import os
import re
import sys

LONGEST_FILE, LONGEST_FUNCTION = 800, 100
LITERAL = re.compile(r"""//.*|"(?:\\.|[^"\\])*"|'(?:\\.|[^'\\])+'""")


def long_functions(lines):
    """Blocks of braces that follow a parenthesis: functions, and whatever is as long inside them."""
    open_blocks = []
    for number, line in enumerate(lines, 1):
        code = LITERAL.sub("", line)
        for place, letter in enumerate(code):
            if letter == "{":
                open_blocks.append((number, bool(re.search(r"\)[^;={}]*$", code[:place])), line.strip()))
            elif letter == "}" and open_blocks:
                begun, is_function, text = open_blocks.pop()
                if is_function and number - begun + 1 > LONGEST_FUNCTION:
                    yield begun, number - begun + 1, text


def main():
    source, files, mistakes = sys.argv[1], 0, []
    for root in ("lib", "include", "dialects", "tools", "test"):
        for folder, _, names in os.walk(os.path.join(source, root)):
            for name in names:
                if not name.endswith((".cpp", ".h", ".td", ".def", ".ftr", ".py")) or "/data" in folder:
                    continue
                path = os.path.join(folder, name)
                with open(path, encoding="utf-8") as file:
                    lines = file.read().split("\n")
                files += 1
                if len(lines) > LONGEST_FILE + 1:
                    mistakes.append(f"{path}: {len(lines)} lines")
                if name.endswith((".cpp", ".h")):
                    mistakes += [f"{path}:{at}: {size} lines: {text}" for at, size, text in long_functions(lines)]
    print(*mistakes, f"{files} files, {len(mistakes)} mistakes", sep="\n")
    sys.exit(1 if mistakes or files < 100 else 0)


if __name__ == "__main__":
    main()
