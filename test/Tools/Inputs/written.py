"""written.py PLAN FOLDER: what `ftc plan --json` says will be written to each path has been written there, but for headers of files."""

import json
import pathlib
import sys

HEADERS = 16384

plan, folder = json.loads(pathlib.Path(sys.argv[1]).read_text(encoding="utf-8")), pathlib.Path(sys.argv[2])
wrong = 0
for key, planned in plan.items():
    if not key.startswith("writes "):
        continue
    path = folder / key.removeprefix("writes ")
    found = sum(file.stat().st_size for file in ([path] if path.is_file() else path.iterdir()))
    wrong += not planned <= found <= planned + HEADERS
    print(f"{path}: {found} bytes, {planned} planned")
sys.exit(1 if wrong else 0)
