"""The node of the benchmark `python`, and the same loop without VideoFlow: `python_nodes.py HEIGHT WIDTH COUNT` prints frames per second."""
import sys
import time

import numpy


class Mean:
    """The mean of all elements of a frame."""

    def process(self, frame):
        return float(frame.mean())


def alone(height, width, count):
    frame = numpy.full((height, width, 3), 7, dtype=numpy.uint8)
    node = Mean()
    node.process(frame)
    start = time.monotonic()
    for _ in range(count):
        node.process(frame)
    return count / (time.monotonic() - start)


if __name__ == "__main__":
    print(alone(*map(int, sys.argv[1:])))
