"""blocks.py FILE.md FOLDER: writes the n-th `ftr` code block of a page to FOLDER/block-n.ftr."""

import pathlib
import re
import sys

page, folder = pathlib.Path(sys.argv[1]), pathlib.Path(sys.argv[2])
blocks = re.findall(r"^```ftr\n(.*?)^```", page.read_text(encoding="utf-8"), re.MULTILINE | re.DOTALL)
for number, block in enumerate(blocks, 1):
    (folder / f"block-{number}.ftr").write_text(block, encoding="utf-8")
