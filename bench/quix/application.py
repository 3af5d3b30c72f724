"""One workload on Quix Streams, until SIGTERM. Arguments are name=value, as for the Java program beside it."""

import json
import struct
import sys

from quixstreams import Application
from quixstreams.models import Serializer

WINDOW_MS = 60_000
GRACE_MS = 10_000


def counted(_value, state):
    total = state.get("count", 0) + 1
    state.set("count", total)
    return struct.pack(">q", total)


def with_total(order):
    order["total"] = order["amount"] * 2
    order["checked"] = True
    return order


def compact(order, *_):
    return json.dumps(order, separators=(",", ":")).encode()


class First(Serializer):
    """The value out of a pair of value and key."""

    def __call__(self, value, ctx):
        return value[0]


def windowed(frame, output):
    """The key as the others write it: the key's bytes, then the start of the window."""
    frame = frame.tumbling_window(WINDOW_MS, grace_ms=GRACE_MS).count().current()
    frame = frame.apply(
        lambda row, key, *_: (struct.pack(">q", row["value"]), key + struct.pack(">q", row["start"])),
        metadata=True,
    )
    frame.to_topic(output, key=lambda pair: pair[1])


def main(given):
    app = Application(
        broker_address=given["brokers"],
        consumer_group=given["applicationId"],
        auto_offset_reset="earliest",
        commit_interval=int(given["commitMs"]) / 1000,
        processing_guarantee=given["guarantee"],
        state_dir=given["stateDir"],
        loglevel="ERROR",
    )
    workload = given["workload"]
    plain = {"key_deserializer": "bytes", "value_deserializer": "bytes"}
    source = app.topic(given["input"], **plain)
    serializer = First() if workload == "windowed-count" else "bytes"
    output = app.topic(given["output"], key_serializer="bytes", value_serializer=serializer)
    frame = app.dataframe(source)
    if workload == "pass-through":
        frame.to_topic(output)
    elif workload == "json-map":
        frame.apply(lambda value: compact(with_total(json.loads(value)))).to_topic(output)
    elif workload == "count":
        frame.apply(counted, stateful=True).to_topic(output)
    elif workload == "windowed-count":
        windowed(frame, output)
    else:
        raise SystemExit(f"there is no workload {workload}")
    app.run()


main(dict(argument.split("=", 1) for argument in sys.argv[1:]))
