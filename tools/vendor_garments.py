"""Make the vendored garments of the demo from Debian's ``dataset-fashion-mnist``; run by a maintainer, rarely.

    apt-get install dataset-fashion-mnist
    python tools/vendor_garments.py /usr/share/datasets/fashion-mnist /usr/share/doc/dataset-fashion-mnist/copyright

Writes one grey sheet of 28 x 28 tiles, a JSON with the source and index of every tile, and the licence. Tiles lie in
the sheet by group, then class, then order in the source file. ``--check`` compares with what is there instead.
"""

import argparse
import gzip
import hashlib
import io
import json
from pathlib import Path

import numpy as np
from PIL import Image

from simmim_eval.data.demo.garments import ASSETS, CLASSES, COLUMNS, TILE

# (group, source file, garments of a class to skip, garments of a class to take)
GROUPS = (
    ("training", "train", 0, 1000),
    ("tuning", "train", 1000, 100),
    ("reported", "t10k", 400, 300),  # the first 400 of each class served the looks that chose the demo's design
)


def read_idx(path: Path) -> np.ndarray:
    """The uint8 array of an IDX file: two zero bytes, type 8, number of axes, big-endian sizes, then the values."""
    data = gzip.decompress(path.read_bytes())
    if data[:3] != b"\x00\x00\x08":
        raise SystemExit(f"{path}: starts with {data[:3]!r}, expected an IDX file of uint8. Install the package again.")
    axes = data[3]
    shape = np.frombuffer(data, ">u4", axes, offset=4)
    return np.frombuffer(data, np.uint8, offset=4 + 4 * axes).reshape(shape)


def select(folder: Path) -> tuple[np.ndarray, dict[str, object]]:
    """The chosen tiles, uint8 (14000, 28, 28), and for each group its source files and the index of each tile."""
    tiles: list[np.ndarray] = []
    groups: dict[str, object] = {}
    for group, source, skip, take in GROUPS:
        names = {"images": f"{source}-images-idx3-ubyte.gz", "labels": f"{source}-labels-idx1-ubyte.gz"}
        paths = {kind: folder / name for kind, name in names.items()}
        images, labels = read_idx(paths["images"]), read_idx(paths["labels"])
        indices = [np.flatnonzero(labels == label)[skip : skip + take] for label in range(len(CLASSES))]
        tiles += [images[rows] for rows in indices]
        groups[group] = {
            **names,
            **{f"{kind}_sha256": hashlib.sha256(path.read_bytes()).hexdigest() for kind, path in paths.items()},
            "indices": {name: rows.tolist() for name, rows in zip(CLASSES, indices, strict=True)},
        }
    return np.concatenate(tiles), groups


def licence(copyright_file: Path) -> str:
    """The Expat text and the copyright line out of Debian's machine-readable copyright file."""
    lines = copyright_file.read_text().splitlines()
    owner = next(line for line in lines if line.startswith("Copyright:"))
    start = max(number for number, line in enumerate(lines) if line == "License: Expat") + 1
    text = ["" if line.strip() == "." else line.strip() for line in lines[start:]]
    head = ["Fashion-MNIST, https://github.com/zalandoresearch/fashion-mnist", owner, "License: Expat (MIT)", ""]
    return "\n".join(head + text).rstrip() + "\n"


def main() -> None:
    """Write the three assets, or compare them with what is there."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path, help="folder of the four idx .gz files")
    parser.add_argument("copyright", type=Path, help="the package's copyright file")
    parser.add_argument("--check", action="store_true", help="compare with the vendored files, write nothing")
    arguments = parser.parse_args()
    tiles, groups = select(arguments.folder)
    rows = len(tiles) // COLUMNS
    sheet = tiles.reshape(rows, COLUMNS, TILE, TILE).swapaxes(1, 2).reshape(rows * TILE, COLUMNS * TILE)
    index = json.dumps({"tile": TILE, "columns": COLUMNS, "classes": CLASSES, "groups": groups}, separators=(",", ":"))
    terms = licence(arguments.copyright)
    if arguments.check:
        same = (
            np.array_equal(np.asarray(Image.open(ASSETS / "garments.png")), sheet),
            (ASSETS / "garments.json").read_text() == index + "\n",
            (ASSETS / "LICENSE-fashion-mnist.txt").read_text() == terms,
        )
        raise SystemExit(0 if all(same) else f"not the same (sheet, index, licence): {same}")
    buffer = io.BytesIO()
    Image.fromarray(sheet).save(buffer, "PNG", optimize=True)
    ASSETS.mkdir(exist_ok=True)
    (ASSETS / "garments.png").write_bytes(buffer.getvalue())
    (ASSETS / "garments.json").write_text(index + "\n")
    (ASSETS / "LICENSE-fashion-mnist.txt").write_text(terms)


if __name__ == "__main__":
    main()
