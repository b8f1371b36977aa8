#!/usr/bin/env python3
"""examples.py SOURCE WORK: every code of Diagnostics.def is explained, its wrong example gives that code, its right one is sound.

An example is a .ftr file, or shell commands that make `wrong.ftr`. A first line `// ftc check OPTIONS` gives options.
"""

import os
import re
import shutil
import subprocess
import sys

source, work = (os.path.abspath(path) for path in sys.argv[1:])
problems = []
# They have no example: messages of lower rungs about what the front end has refused already, and of an analysis that has a rule for every
# op of the language.
unreachable = {"FTR0401", "FTR0442", "FTR0602"}


def fail(code, text):
    problems.append(f"{code}: {text}")


def fresh_folder(name):
    """A folder with models and data sets for the examples."""
    folder = os.path.join(work, name)
    shutil.rmtree(folder, ignore_errors=True)
    os.makedirs(folder)
    data = os.path.join(source, "test", "data")
    for link, target in [("models", "models"), ("batches.jsonl", "adapters/batches.jsonl"), ("adapters", "adapters")]:
        os.symlink(os.path.join(data, target), os.path.join(folder, link))
    shutil.copytree(os.path.join(source, "test", "Frontend", "Explain", "Inputs", "files"), folder, dirs_exist_ok=True)
    return folder


def check(example, folder, name):
    """Exit status and messages of `ftc check` on an example."""
    language, text = example
    path = os.path.join(folder, name + ".ftr")
    if language == "sh":
        subprocess.run(["bash", "-c", text], cwd=folder, check=True)
    else:
        with open(path, "w", encoding="utf-8") as file:
            file.write(text)
    options = re.match(r"// ftc check (.*)", text)
    command = ["ftc", "check", path] + (options.group(1).split() if options else [])
    done = subprocess.run(command, capture_output=True, text=True, errors="replace", check=False)
    return done.returncode, done.stderr


def severities():
    with open(os.path.join(source, "include", "ftc", "Frontend", "Diagnostics.def"), encoding="utf-8") as file:
        found = re.findall(r"^FTC_DIAG\((\d+), \w+, (\w+)", file.read(), re.M)
    return {f"FTR{int(number):04d}": severity for number, severity in found}


def main():
    sections = {}
    folder = os.path.join(source, "docs", "errors")
    for name in sorted(os.listdir(folder)):
        with open(os.path.join(folder, name), encoding="utf-8") as file:
            for section in re.split(r"^## ", file.read(), flags=re.M)[1:]:
                sections[section[:7]] = section
    codes = severities()
    for code in sorted(codes.keys() - sections.keys()):
        fail(code, "not explained")
    for code in sorted(sections.keys() - codes.keys()):
        fail(code, "explained, but there is no such message")
    for code in sorted(codes.keys() & sections.keys()):
        examples = re.findall(r"```(\w+)\n(.*?)```", sections[code], re.S)
        if code in unreachable and not examples:
            continue
        if len(examples) != 2:
            fail(code, f"has {len(examples)} examples")
            continue
        place = fresh_folder(code)
        status, messages = check(examples[0], place, "wrong")
        if f"[{code}]" not in messages or (codes[code] == "Error") != (status != 0) or status == 70:
            fail(code, f"the wrong example ends with {status} and says\n{messages}")
        status, messages = check(examples[1], place, "right")
        if status != 0 or f"[{code}]" in messages:
            fail(code, f"the right example ends with {status} and says\n{messages}")
    print("\n".join(problems))
    sys.exit(1 if problems else 0)


main()
