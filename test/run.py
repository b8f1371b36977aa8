#!/usr/bin/env python3
"""run.py LIT FOLDER [LIT OPTIONS]: runs lit and ends with one line `N passed, N failed, N skipped`."""

import json
import os
import subprocess
import sys
import tempfile


def main():
    lit, folder, *options = sys.argv[1:]
    with tempfile.TemporaryDirectory() as work:
        results = os.path.join(work, "results.json")
        status = subprocess.run([lit, "-sv", "--order=smart", "-o", results, *options, folder], check=False).returncode
        with open(results, encoding="utf-8") as file:
            codes = [test["code"] for test in json.load(file)["tests"]]
    passed = sum(code in ("PASS", "XFAIL", "FLAKYPASS") for code in codes)
    skipped = sum(code in ("UNSUPPORTED", "SKIPPED", "EXCLUDED") for code in codes)
    failed = len(codes) - passed - skipped
    print(f"{passed} passed, {failed} failed, {skipped} skipped")
    sys.exit(status or (1 if failed or not passed else 0))


if __name__ == "__main__":
    main()
