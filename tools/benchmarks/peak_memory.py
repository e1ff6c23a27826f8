"""Wall time of a command, and the peak memory of its whole process tree: the sum of proportional set sizes (Linux).

Example: python tools/benchmarks/peak_memory.py make demo
"""

import subprocess
import sys
import time
from pathlib import Path

INTERVAL = 0.5  # seconds between two looks


def tree(root: int) -> list[int]:
    """Ids of a process and of all its descendants."""
    children: dict[int, list[int]] = {}
    for status in Path("/proc").glob("[0-9]*/stat"):
        try:
            parent = int(status.read_text().rpartition(")")[2].split()[1])
        except (OSError, IndexError):  # the process has ended meanwhile
            continue
        children.setdefault(parent, []).append(int(status.parent.name))
    found, waiting = [], [root]
    while waiting:
        pid = waiting.pop()
        found.append(pid)
        waiting += children.get(pid, [])
    return found


def proportional_set_size(pid: int) -> int:
    """Bytes; a page shared by n processes counts 1/n for each. 0 for a process that has ended."""
    try:
        lines = Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()
    except OSError:
        return 0
    return sum(int(line.split()[1]) * 1024 for line in lines if line.startswith("Pss:"))


def main() -> None:
    """Run the command line after our own name, and report on it."""
    start, peak = time.monotonic(), 0
    process = subprocess.Popen(sys.argv[1:])
    while process.poll() is None:
        peak = max(peak, sum(map(proportional_set_size, tree(process.pid))))
        time.sleep(INTERVAL)
    print(f"{time.monotonic() - start:.0f} s wall, peak {peak / 2**30:.2f} GiB (PSS of the process tree)")
    sys.exit(process.returncode)


if __name__ == "__main__":
    main()
