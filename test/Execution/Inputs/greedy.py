#!/usr/bin/env python3
"""greedy.py EXECUTABLE LOGITS ROWS COUNT END: continues each row of ROWS (JSON lines with `input_ids`) by the likeliest tokens, COUNT of them or
fewer if END is one. EXECUTABLE writes LOGITS [rows, tokens, vocabulary] of ROWS. Labels say which tokens are the answer."""

import array
import json
import struct
import subprocess
import sys


def logits_of(path):
    with open(path, "rb") as file:
        (size,) = struct.unpack("<Q", file.read(8))
        entry = json.loads(file.read(size))["logits"]
        return entry["shape"], array.array("f", file.read())


def write(path, rows, prompts):
    with open(path, "w", encoding="utf-8") as file:
        for ids, prompt in zip(rows, prompts):
            print(json.dumps({"input_ids": ids, "labels": [-100] * prompt + ids[prompt:]}), file=file)


def main():
    executable, logits, path, count, end = sys.argv[1:]
    with open(path, encoding="utf-8") as file:
        rows = [json.loads(line)["input_ids"] for line in file]
    prompts = [len(ids) for ids in rows]
    for _ in range(int(count)):
        subprocess.run([executable, "--out", logits + ".run", "--fresh", "--quiet"], check=True)
        (_, tokens, vocabulary), values = logits_of(logits)
        for number, ids in enumerate(rows):
            begin = (number * tokens + len(ids) - 1) * vocabulary
            if ids[-1] != int(end):
                ids.append(max(range(vocabulary), key=lambda token: values[begin + token]))
        write(path, rows, prompts)


if __name__ == "__main__":
    main()
