"""A video file becomes frames, or an error that names the file; decoded by PyAV.

In the place of mmaction's ``PyAVInit`` and ``PyAVDecode``, which take the number of frames from the header and then
repeat frames from the start when fewer can be decoded. Clips cut without re-encoding have this as a rule: frames
before the cut are stored but not shown.
"""

import os
from collections.abc import Callable, Iterable
from typing import Any

import av
import numpy as np
import numpy.typing as npt
from av.video.reformatter import VideoReformatter

from simmim_eval.errors import DataError
from simmim_eval.registry import TRANSFORMS

__all__ = ["DecodeVideo", "OpenVideo", "count_frames", "decode_frames"]

_MEND = "Replace the file, or remove it from the list of videos."


def count_frames(path: str | os.PathLike[str]) -> int:
    """Number of frames that a decoder shows, read from the packets without decoding them.

    Raises:
        DataError: Absent, not a video, no video stream, truncated, or no frame in it. (A truncated Matroska file
            cannot be told from a short one; MP4 can.)
    """
    shown = stored = 0
    with _opened(path) as container:
        stream = container.streams.video[0]
        for packet in _read(path, lambda: container.demux(stream)):
            if packet.is_corrupt:
                raise DataError(f"{path}: the video is truncated after frame {stored}. {_MEND}", kind="truncated")
            if packet.size:
                stored += 1
                shown += not packet.is_discard
        if stored < stream.frames:
            raise DataError(
                f"{path}: the video is truncated, {stored} of {stream.frames} frames are there. {_MEND}",
                kind="truncated",
            )
    if not shown:
        raise DataError(f"{path}: the video holds no frame. {_MEND}", kind="no-frame")
    return shown


def decode_frames(path: str | os.PathLike[str], indices: Iterable[int]) -> list[npt.NDArray[np.uint8]]:
    """Decode the frames at ``indices`` (from 0, any order, repeats allowed) as RGB (H, W, 3), 0 to 255.

    Decoding starts at the first frame, so that a frame does not depend on which others are asked for, and runs in
    one thread.

    Raises:
        DataError: As :func:`count_frames`, or a frame is damaged or beyond the last that can be decoded.
    """
    indices = [int(index) for index in indices]
    wanted, last, decoded = set(indices), max(indices), 0
    frames: dict[int, npt.NDArray[np.uint8]] = {}
    converter = VideoReformatter()  # one for all frames: a frame's own costs a third of a millisecond
    with _opened(path) as container:
        container.streams.video[0].codec_context.thread_count = 1
        for frame in _read(path, lambda: container.decode(video=0)):
            if frame.is_corrupt:
                raise DataError(f"{path}: frame {decoded} of the video is damaged. {_MEND}", kind="damaged")
            if decoded in wanted:
                frames[decoded] = np.asarray(converter.reformat(frame, format="rgb24").to_ndarray(), np.uint8)
            decoded += 1
            if decoded > last:
                break
    if decoded <= last:
        raise DataError(f"{path}: frame {last} was asked for, only {decoded} can be decoded. {_MEND}", kind="truncated")
    return [frames[index] for index in indices]


@TRANSFORMS.register_module()
class OpenVideo:
    """Check the video at ``filename`` and add ``total_frames``, the number that can be decoded.

    Example:
        ``[dict(type='simmim_eval.OpenVideo'), dict(type='SampleFrames', clip_len=8, frame_interval=1, num_clips=1),
        dict(type='simmim_eval.DecodeVideo'), ...]``
    """

    def __call__(self, results: dict[str, Any]) -> dict[str, Any]:
        """Add ``total_frames``; a DataError names the file. Nothing stays open."""
        results["total_frames"] = count_frames(results["filename"])
        return results

    def __repr__(self) -> str:
        return "OpenVideo()"


@TRANSFORMS.register_module()
class DecodeVideo:
    """Decode ``frame_inds`` of ``filename`` into ``imgs``: a list of RGB uint8 (H, W, 3), one for each index.

    Adds ``img_shape`` and ``original_shape`` (H, W). ``frame_inds`` is flattened, as mmaction's decoders do.
    """

    def __call__(self, results: dict[str, Any]) -> dict[str, Any]:
        """Add the frames; a DataError names a file whose decoding fails on the way."""
        results["frame_inds"] = np.asarray(results["frame_inds"]).reshape(-1)
        results["imgs"] = decode_frames(results["filename"], results["frame_inds"])
        results["img_shape"] = results["original_shape"] = results["imgs"][0].shape[:2]
        return results

    def __repr__(self) -> str:
        return "DecodeVideo()"


def _opened(path: str | os.PathLike[str]) -> Any:
    """Open a container that has a video stream; the caller closes it."""
    try:
        container = av.open(os.fspath(path))
    except FileNotFoundError as error:
        raise DataError(f"{path}: no such video. {_MEND}", kind="missing") from error
    except (av.FFmpegError, OSError, ValueError) as error:
        if os.path.isdir(path):
            raise DataError(
                f"{path}: is not a video that can be read but a folder, of single frames it seems. Give the video "
                "file, join the frames (for instance: ffmpeg -framerate 25 -i img_%05d.jpg VIDEO.mp4), or remove it "
                "from the list of videos.",
                kind="frame-folder",
            ) from error
        raise DataError(f"{path}: is not a video that can be read ({error}). {_MEND}", kind="not-a-video") from error
    if not container.streams.video:
        container.close()
        raise DataError(f"{path}: holds no video stream. {_MEND}", kind="not-a-video")
    return container


def _read(path: str | os.PathLike[str], start: Callable[[], Iterable[Any]]) -> Iterable[Any]:
    """What ``start`` yields, with the errors of the decoder turned into ours."""
    try:
        yield from start()
    except av.FFmpegError as error:
        raise DataError(f"{path}: the video is damaged or truncated ({error}). {_MEND}", kind="damaged") from error
