"""Videos that are short, empty or no videos, as the recipes' pipelines meet them."""

import os

import av
import numpy as np
import pytest

import simmim_eval.compat  # noqa: F401
from simmim_eval.data import OpenVideo, count_frames
from simmim_eval.errors import DataError


def write(path, frames):
    with av.open(str(path), "w") as container:
        stream = container.add_stream("mpeg4", rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        for number in range(frames):
            image = np.full((48, 64, 3), 40 * number, np.uint8)
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        container.mux(stream.encode())
    return str(path)


@pytest.mark.parametrize("frames", [1, 3, 5])
@pytest.mark.parametrize("test_mode", [True, False])
def test_a_video_shorter_than_the_clip_repeats_its_frames(frames, test_mode, tmp_path):
    """mmaction2 goes round: frame number i is frame i modulo the length; so no video of a list is lost."""
    from mmaction.registry import TRANSFORMS

    pipeline = [
        dict(type="simmim_eval.OpenVideo"),
        dict(type="mmaction.SampleFrames", clip_len=8, frame_interval=2, num_clips=1, test_mode=test_mode),
        dict(type="simmim_eval.DecodeVideo"),
    ]
    results = dict(filename=write(tmp_path / "clip.mp4", frames), start_index=0, modality="RGB")
    for step in pipeline:
        results = TRANSFORMS.build(step)(results)
    numbers = [round(float(image.mean()) / 40) for image in results["imgs"]]
    assert numbers == [int(index) % frames for index in results["frame_inds"]]
    assert len(numbers) == 8 and set(numbers) <= set(range(frames))


def test_a_video_without_frames(tmp_path):
    path = tmp_path / "clip.mp4"
    with av.open(str(path), "w", options={"movflags": "empty_moov"}) as container:
        stream = container.add_stream("mpeg4", rate=10)
        stream.width, stream.height, stream.pix_fmt = 64, 48, "yuv420p"
        stream.codec_context.open()
        container.start_encoding()
    with pytest.raises(DataError, match=r"clip\.mp4: the video holds no frame"):
        OpenVideo()(dict(filename=str(path)))


def test_a_folder_of_frames_is_called_so(tmp_path):
    with pytest.raises(DataError, match=r"a folder, of single frames it seems.*ffmpeg") as caught:
        count_frames(tmp_path)
    assert caught.value.kind == "frame-folder"


def test_a_name_that_is_not_utf8_is_opened_by_its_bytes(tmp_path):
    path = os.fsdecode(os.fsencode(write(tmp_path / "clip.mp4", 3)).replace(b"clip", b"cl\xefp"))
    os.rename(tmp_path / "clip.mp4", path)
    assert count_frames(path) == 3
    with open(path, "wb") as file:
        file.write(b"<html>")
    with pytest.raises(DataError, match=r"cl\\xefp\.mp4: is not a video") as caught:
        count_frames(path)
    str(caught.value).encode()
