"""What a check can find: for each kind whether it spoils a run, how it reads, and the mend.

A fault stops a run or makes its number wrong. A note does neither: our readers cope with it, or it is a property of
the published data that a reader of the report should know.
"""

from typing import NamedTuple

__all__ = ["KINDS", "Kind"]


class Kind(NamedTuple):
    """One kind of finding."""

    is_fault: bool
    title: str
    mend: str


_AGAIN = "Unpack or download the files again."
_REPLACE = "Replace the files from the archive; do not remove them, or the counts are wrong."

KINDS: dict[str, Kind] = {
    # files
    "missing": Kind(True, "files that should be there and are not", _AGAIN),
    "empty-file": Kind(True, "files of 0 bytes", _REPLACE),
    "not-an-image": Kind(
        True, "files that are no images", "Replace them if they should be images, else move them away."
    ),
    "truncated": Kind(True, "truncated files", _REPLACE),
    "damaged": Kind(True, "files that cannot be decoded", _REPLACE),
    "mode": Kind(True, "images without an 8-bit meaning", "Convert them to 8-bit RGB."),
    "crash": Kind(True, "files that kill the process that decodes them", _REPLACE),
    "unreadable": Kind(True, "files or folders that cannot be read", "Mend the permissions or the disk."),
    "link-loop": Kind(True, "symbolic links round a loop", "Remove the links."),
    "broken-link": Kind(True, "symbolic links that lead nowhere", "Mend or remove the links."),
    "name-not-utf8": Kind(
        False,
        "names that are not UTF-8",
        "None needed for images and videos in folders; no list and no annotation file can name them (convmv renames).",
    ),
    "wrong-suffix": Kind(
        False, "files of another format than their suffix says", "None needed: the format is told by content."
    ),
    "turned": Kind(
        False,
        "images that an EXIF orientation turns",
        "None needed if labels and boxes were drawn on the upright image, which is what is read.",
    ),
    # counts and layout
    "count": Kind(
        True, "counts that are not the official ones", "Unpack the archives again; for a set of your own: --own."
    ),
    "class-count": Kind(True, "class folders without the official number of images", _AGAIN),
    "classes-differ": Kind(
        True, "classes of one split only", "Give all splits the same class folders: labels number the sorted names."
    ),
    "no-class": Kind(True, "splits without class folders", "Sort the images into one folder a class."),
    "empty-class": Kind(True, "classes without an image", "Restore the images, or remove the folders in all splits."),
    "unused": Kind(False, "files that nothing refers to", "None needed."),
    # COCO
    "annotations": Kind(True, "annotation files that cannot be read", "Download or write them again."),
    "field": Kind(True, "entries without a field, or with a wrong one", "Correct the writer of the file."),
    "duplicate-id": Kind(True, "ids that stand twice", "Give each entry its own id."),
    "duplicate-file": Kind(True, "files that are listed twice", "Keep one entry a file; move the annotations to it."),
    "reference": Kind(True, "annotations of an image or category that does not exist", "Correct or remove them."),
    "box": Kind(True, "boxes that are not four numbers", "Write [x, y, width, height]."),
    "degenerate-box": Kind(
        False, "boxes without an area", "None needed: mmdet leaves them out (COCO itself has a few)."
    ),
    "outside-box": Kind(False, "boxes that leave their image", "None needed for rounding; mmdet clips nothing else."),
    "corner-boxes": Kind(
        True, "annotation files whose boxes mostly leave the images", "Write [x, y, width, height], not two corners."
    ),
    "crowd-only": Kind(False, "images with crowds only", "None needed: mmdet trains on none of their boxes."),
    "absent-class": Kind(False, "classes without an annotation or a video", "None needed; they count in no average."),
    "size": Kind(True, "images of another size than annotated", "Restore the images that were annotated."),
    "size-turned": Kind(
        True,
        "images annotated as stored, which their EXIF orientation turns",
        "Remove the orientation from the files: exiftool -Orientation= FILE.",
    ),
    # label maps
    "no-map": Kind(True, "images without a label map", _AGAIN),
    "no-image": Kind(False, "label maps without an image", "None needed: they are not read."),
    "coloured-map": Kind(True, "label maps that hold colours", "Convert them to one channel of class numbers."),
    "map-size": Kind(
        True, "label maps of another size than their image", "Restore the pairs; both must have one size."
    ),
    "label-range": Kind(True, "label values out of range", "Correct the maps, or the classes in metainfo."),
    "shifted-down": Kind(
        True,
        "splits whose labels are shifted by -1 (0 is the first class, 255 is ignored)",
        "Set reduce_zero_label=False in every data set of the recipe, or restore the original maps.",
    ),
    "shifted-up": Kind(
        True, "splits whose labels are shifted by +1", "Subtract 1 from the maps, or restore the original ones."
    ),
    "ignored-label": Kind(
        False,
        "splits with the value 255 (ignored), which the official maps never hold",
        "None needed if it was drawn so; if some maps were rewritten with reduce_zero_label, restore them.",
    ),
    "no-zero": Kind(False, "splits where no pixel is 0 (no class)", "None needed if the maps label every pixel."),
    # videos
    "not-a-video": Kind(True, "files that are no videos", _REPLACE),
    "no-frame": Kind(True, "videos without a frame", "Remove their lines from the list."),
    "frame-folder": Kind(True, "folders of frames instead of videos", "Give the video files, or join the frames."),
    "short-video": Kind(
        False, "videos shorter than the longest clip of the recipes", "None needed: mmaction2 repeats their frames."
    ),
    "incomplete": Kind(
        False, "lists shorter than the official ones", "None needed: most copies of Kinetics are; state the counts."
    ),
}
