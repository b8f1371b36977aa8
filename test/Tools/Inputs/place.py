"""place.py FTC FOLDER: places each instance and checks that what is printed is its file with offsets that do not overlap."""

import pathlib
import subprocess
import sys

ftc, folder = sys.argv[1:]
capacity = 1048576
files = sorted(pathlib.Path(folder).glob("*.csv"))
assert len(files) == 11, files
for file in files:
    # Some seconds of processor time are far beyond what it takes on any machine.
    limited = ["bash", "-c", 'ulimit -t 5; exec "$@"', "bash", ftc, "place", str(file), "--capacity", str(capacity)]
    lines = subprocess.run(limited, check=True, capture_output=True, text=True).stdout.splitlines()
    assert [line.rsplit(",", 1)[0] for line in lines] == file.read_text().splitlines(), file
    assert lines[0].endswith(",offset"), lines[0]
    placed = [tuple(map(int, line.split(",")[1:])) for line in lines[1:]]
    for i, (lower, upper, size, offset) in enumerate(placed):
        assert 0 <= offset <= capacity - size, (file, i)
        for j, (other_lower, other_upper, other_size, other_offset) in enumerate(placed[:i]):
            if lower < other_upper and other_lower < upper:
                assert offset + size <= other_offset or other_offset + other_size <= offset, (file, i, j)
