"""What is said of images in every data set: format, suffix, EXIF orientation."""

from collections import Counter
from collections.abc import Iterable, Iterator

from simmim_eval.data.check.examine import Examined
from simmim_eval.data.check.session import Session

__all__ = ["examine_images"]

SUFFIXES = {
    "JPEG": (".jpg", ".jpeg"),
    "MPO": (".jpg", ".jpeg"),  # two pictures in one file, as some telephones write; the first is read
    "PNG": (".png",),
    "BMP": (".bmp",),
    "WEBP": (".webp",),
    "TIFF": (".tif", ".tiff"),
    "PPM": (".ppm", ".pgm"),
}


def examine_images(session: Session, stage: str, paths: Iterable[str]) -> Iterator[tuple[str, Examined]]:
    """Decode images; notes wrong suffixes and turned ones, and counts formats and modes under ``stage``."""
    kinds: Counter[str] = Counter()
    for path, result in session.examine(stage, "image", paths):
        if result.facts:
            kind, mode = result.facts["format"], result.facts["mode"]
            kinds[f"{kind} {mode}"] += 1
            if not path.lower().endswith(SUFFIXES.get(kind, ())):
                session.add("wrong-suffix", path, f"is {kind}")
            if result.facts["turned"]:
                session.add("turned", path)
        yield path, result
    session.tally(f"formats of {stage}", kinds)
