"""allocations.py LIBRARY EXECUTABLE FOLDER TRIES: no memory for allocation N, for N spread over a whole run.

Every such run ends with exit status 4 and a message, or with 0 where what asked can do without. The run that goes on in the same folder
then ends as one that was never disturbed: the saved adapter has the same bytes.
"""

import os
import pathlib
import shutil
import subprocess
import sys

library, executable, folder, tries = sys.argv[1], sys.argv[2], pathlib.Path(sys.argv[3]), int(sys.argv[4])


def run(name, **variables):
    """Exit status and stderr of a run in a folder of its own, with the library that counts."""
    command = [executable, "--out", folder / name, "--outputs", folder / (name + ".saved"), "--quiet", "--threads", "2"]
    environment = dict(os.environ, LD_PRELOAD=library, **variables)
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    return done.returncode, done.stderr


def saved(name):
    """What a run has saved, by file."""
    root = folder / (name + ".saved")
    return {path.relative_to(root): path.read_bytes() for path in root.rglob("*") if path.is_file()}


count = folder / "count"
status, text = run("whole", ALLOCATIONS_COUNT=str(count))
assert status == 0, text
total = int(count.read_text())
# Half of the tries among the first ones, where a run reads its options, its manifest and its files.
numbers = sorted({int(total * (i / tries) ** 3) for i in range(tries)})
ended = {0: 0, 4: 0}
for number in numbers:
    shutil.rmtree(folder / "broken", ignore_errors=True)
    shutil.rmtree(folder / "broken.saved", ignore_errors=True)
    status, text = run("broken", ALLOCATIONS_FAIL=str(number))
    assert status in ended, f"no memory for allocation {number} of {total}: exit status {status}: {text}"
    assert status == 0 or "memory" in text.lower(), f"allocation {number}: {text}"
    ended[status] += 1
status, text = run("broken")
assert status == 0, text
assert saved("whole") == saved("broken")
print(f"{total} allocations, {len(numbers)} tries: {ended[4]} without memory")
assert ended[4] > len(numbers) / 2
