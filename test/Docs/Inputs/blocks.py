"""blocks.py FILE.md FOLDER: writes the n-th code block of each language (`ftr`, `sh`, or none: `txt`) to FOLDER/block-n.LANGUAGE."""

import collections
import pathlib
import re
import sys

page, folder = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
blocks = re.findall(r"^```(\w*)\n(.*?)^```", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
count = collections.Counter()
for language, block in blocks:
    language = language or "txt"
    count[language] += 1
    (folder / f"block-{count[language]}.{language}").write_text(block, encoding="utf-8")
