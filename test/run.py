#!/usr/bin/env python3
"""run.py LIT FOLDER [LIT OPTIONS]: runs lit, names the tests that were skipped, and ends with one line `N passed, N failed`."""

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
            tests = json.load(file)["tests"]
    passed = [test["name"] for test in tests if test["code"] in ("PASS", "XFAIL", "FLAKYPASS")]
    skipped = [test["name"] for test in tests if test["code"] in ("UNSUPPORTED", "SKIPPED", "EXCLUDED")]
    failed = len(tests) - len(passed) - len(skipped)
    print(*(f"skipped: {name}" for name in skipped), f"{len(passed)} passed, {failed} failed", sep="\n", flush=True)
    sys.exit(status or (1 if failed or not passed else 0))


if __name__ == "__main__":
    main()
