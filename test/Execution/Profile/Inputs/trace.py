"""trace.py TRACE TABLE: the events of a trace follow one another, and are as many as the table counts, up to its bound."""

import json
import sys

events = json.load(open(sys.argv[1]))["traceEvents"]
total = [line.split() for line in open(sys.argv[2]) if line.rstrip().endswith(" total")][0]
assert len(events) == min(int(total[2]), 65536), (len(events), total)
assert events[0]["ts"] == 0
for event, following in zip(events, events[1:]):
    assert event["ph"] == "X" and event["name"] and event["dur"] >= 0
    assert event["ts"] + event["dur"] <= following["ts"] + 0.002, (event, following)
assert any(event["args"]["flops"] > 0 for event in events)
