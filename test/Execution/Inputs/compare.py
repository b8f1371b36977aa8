#!/usr/bin/env python3
"""Compares what runs have left.

compare.py loss BOUND METRICS GOLDEN       the only loss in METRICS is the tensor 'loss' of a safetensors file
compare.py alone BOUND ALONE GOLDEN        the logits [documents, m, v] of documents, each in a row of its own, are those of
                                           GOLDEN's packed row [1, n, v], whose 'segment_ids' tell them apart. BOUND is
                                           relative to the largest logit
compare.py top BOUND LOGITS GOLDEN         after each prompt of a JSON file the five likeliest tokens are the same, their
                                           logits within BOUND; row i of LOGITS is prompt i and its greedy answer, each
                                           token of which is the likeliest
compare.py values FILE                     prints every tensor of a safetensors file, sorted by name: the last two components of
                                           the name, shape, values rounded to five places
compare.py adapter OURS PEFTS              PEFT directories: the same tensors bit for bit, and the same configuration
compare.py names FILE LIST                 a safetensors file has exactly the tensors of LIST, a line each: name and sizes
compare.py config OURS PEFTS [KEY...]      the same keys and values in adapter_config.json, but for the name of the base
                                           model; of KEY the value may be another
"""

import array
import json
import math
import struct
import sys
from pathlib import Path


def read(path):
    with open(path, encoding="utf-8") as file:
        return [json.loads(line) for line in file]


def tensor(path, name):
    """Shape and values of a tensor in a safetensors file."""
    with open(path, "rb") as file:
        (size,) = struct.unpack("<Q", file.read(8))
        entry = json.loads(file.read(size))[name]
        begin, end = entry["data_offsets"]
        file.seek(8 + size + begin)
        data = file.read(end - begin)
    return entry["shape"], array.array({"F32": "f", "F64": "d", "I64": "q"}[entry["dtype"]], data)


def largest(values):
    """The largest value; NaN if there is one, which max() may pass over."""
    values = list(values)
    return math.nan if any(map(math.isnan, values)) else max(values)


def near(bound, expected, found):
    assert expected and len(expected) == len(found), f"{len(found)} losses, expected {len(expected)}"
    worst = largest(abs(a - b) / abs(a) for a, b in zip(expected, found))
    print(f"worst {worst:.3e}, bound {bound:.0e}")
    assert worst <= bound, f"{found} differ from {expected}"


def alone(bound, packed, documents, segments):
    (_, tokens, vocabulary), row = packed
    (_, longest, _), rows = documents
    first, worst = 0, 0.0
    for document in range(max(segments) + 1):
        length = segments.count(document)
        for i in range(length * vocabulary):
            difference = abs(row[first * vocabulary + i] - rows[document * longest * vocabulary + i])
            worst = largest((worst, difference))
        first += length
    assert first == tokens, f"{first} tokens, expected {tokens}"
    worst /= largest(abs(value) for value in row)
    print(f"worst {worst:.3e}, bound {bound:.0e}")
    assert worst <= bound


def top(bound, logits, prompts):
    (_, longest, vocabulary), values = logits
    worst = 0.0
    for row, prompt in enumerate(prompts):
        begin = (row * longest + len(prompt["ids"]) - 1) * vocabulary
        found = values[begin : begin + vocabulary]
        best = sorted(range(vocabulary), key=lambda token: -found[token])[:5]
        assert best == prompt["top5_ids"], f"{best}, expected {prompt['top5_ids']}"
        for place, token in enumerate(prompt["greedy_ids"]):
            there = begin + place * vocabulary
            assert max(values[there : there + vocabulary]) == values[there + token], f"token {place} of {prompt['prompt']!r}"
        expected = dict(zip(best, prompt["top5_logits"])) | dict(enumerate(prompt["first8_logits"]))
        worst = largest([worst] + [abs(found[token] - logit) for token, logit in expected.items()])
    print(f"worst {worst:.3e}, bound {bound:.0e}")
    assert prompts and worst <= bound


def contents(path):
    """Type, shape and bytes of every tensor in a safetensors file, by name."""
    with open(path, "rb") as file:
        (size,) = struct.unpack("<Q", file.read(8))
        header = json.loads(file.read(size))
        data = file.read()
    header.pop("__metadata__", None)
    return {name: (entry["dtype"], entry["shape"], data[slice(*entry["data_offsets"])]) for name, entry in header.items()}


def values(path):
    for name in sorted(contents(path)):
        shape, numbers = tensor(path, name)
        rounded = " ".join(f"{round(number, 5) + 0.0:g}" for number in numbers)
        print(f"{'.'.join(name.split('.')[-2:])} {shape}: {rounded}")


def adapter(ours, pefts):
    found, expected = (contents(folder + "/adapter_model.safetensors") for folder in (ours, pefts))
    assert expected and found.keys() == expected.keys(), f"{found.keys()} are not {expected.keys()}"
    for name, tensor_of_peft in expected.items():
        assert found[name] == tensor_of_peft, f"{name} differs"
    config(ours, pefts)


def config(ours, pefts, *others):
    found, expected = (json.loads(Path(folder, "adapter_config.json").read_text("utf-8")) for folder in (ours, pefts))
    for values in (found, expected):
        values.pop("base_model_name_or_path")
        if isinstance(values.get("target_modules"), list):
            values["target_modules"] = sorted(values["target_modules"])
    assert found.keys() == expected.keys(), f"keys {sorted(found.keys() ^ expected.keys())}"
    for key, value in expected.items():
        assert key in others or (found[key] == value and isinstance(found[key], bool) == isinstance(value, bool)), (
            f"{key} is {found[key]}, PEFT's {value}"
        )
    print(f"{len(expected)} keys are equal")


def names(path, listed):
    found = [" ".join([name, *map(str, shape)]) for name, (_, shape, _) in contents(path).items()]
    with open(listed, encoding="utf-8") as file:
        expected = file.read().splitlines()
    assert sorted(found) == sorted(expected), f"{sorted(set(found) ^ set(expected))}"


def main():
    what, *rest = sys.argv[1:]
    if what == "loss":
        near(float(rest[0]), tensor(rest[2], "loss")[1], [line["loss"] for line in read(rest[1])])
    elif what == "alone":
        documents, packed = tensor(rest[1], "logits"), tensor(rest[2], "logits")
        alone(float(rest[0]), packed, documents, list(tensor(rest[2], "segment_ids")[1]))
    elif what == "top":
        with open(rest[2], encoding="utf-8") as file:
            top(float(rest[0]), tensor(rest[1], "logits"), json.load(file)["prompts"])
    elif what == "values":
        values(rest[0])
    elif what in ("adapter", "config", "names"):
        globals()[what](*rest)
    else:
        sys.exit(__doc__)


if __name__ == "__main__":
    main()
