"""Reading videos: against mmaction's decoder and against frames that are known, and every kind of broken file."""

import os
from pathlib import Path

import av
import numpy as np
import pytest

import simmim_eval.compat  # noqa: F401
from simmim_eval.data import DecodeVideo, OpenVideo, count_frames, decode_frames
from simmim_eval.errors import DataError


def write(path, codec="mpeg4", frames=30, gop=12, **options):
    """Grey level 8 * number in frame ``number``, with a moving square; 48 x 64."""
    with av.open(str(path), "w", options=options) as container:
        stream = container.add_stream(codec, rate=10)
        stream.width, stream.height, stream.pix_fmt, stream.gop_size = 64, 48, "yuv420p", gop
        for number in range(frames):
            image = np.full((48, 64, 3), 8 * number, np.uint8)
            image[8:24, number : number + 16] = 255 - 8 * number
            container.mux(stream.encode(av.VideoFrame.from_ndarray(image, format="rgb24")))
        container.mux(stream.encode())
    return path


def cut_without_encoding(source: Path, target: Path, start: int) -> Path:
    """Keep the packets from the key frame before ``start``; players show from ``start`` on (an edit list)."""
    with av.open(str(source)) as whole, av.open(str(target), "w", options={"avoid_negative_ts": "disabled"}) as part:
        stream = whole.streams.video[0]
        copied = part.add_stream_from_template(stream)
        packets = [packet for packet in whole.demux(stream) if packet.size]
        shift = int(start / (10 * stream.time_base))
        first = max(i for i, packet in enumerate(packets) if packet.is_keyframe and packet.pts <= shift)
        for packet in packets[first:]:
            packet.pts, packet.dts, packet.stream = packet.pts - shift, packet.dts - shift, copied
            part.mux(packet)
    return target


@pytest.mark.parametrize("codec", ["mpeg4", "libx264"])
def test_equals_mmactions_decoder(codec, tmp_path):
    from mmaction.datasets.transforms import PyAVDecode, PyAVInit

    path = str(write(tmp_path / "clip.mp4", codec))
    indices = np.array([[3, 4, 5], [29, 0, 3]])
    theirs = PyAVInit()(dict(filename=path))
    assert OpenVideo()(dict(filename=path))["total_frames"] == theirs["total_frames"] == 30
    theirs = PyAVDecode()(theirs | dict(frame_inds=indices.reshape(-1)))
    ours = DecodeVideo()(dict(filename=path, frame_inds=indices))
    np.testing.assert_array_equal(ours["imgs"], theirs["imgs"])
    np.testing.assert_array_equal(ours["frame_inds"], theirs["frame_inds"])
    assert ours["img_shape"] == ours["original_shape"] == theirs["img_shape"] == (48, 64)


def test_frames_are_in_order_and_do_not_depend_on_each_other(tmp_path):
    path = write(tmp_path / "clip.mp4", "libx264")
    frames = decode_frames(path, range(30))
    np.testing.assert_allclose([frame[40, 60].mean() for frame in frames], 8 * np.arange(30), atol=4)
    for number in (0, 11, 12, 29):
        np.testing.assert_array_equal(decode_frames(path, [number])[0], frames[number])


def test_frames_that_an_edit_list_hides_do_not_count(tmp_path):
    source = write(tmp_path / "whole.mp4", frames=30, gop=12)
    path = cut_without_encoding(source, tmp_path / "cut.mp4", start=17)
    with av.open(str(path)) as container:
        assert container.streams.video[0].frames > 13  # from the key frame on
    assert count_frames(path) == 13
    np.testing.assert_array_equal(decode_frames(path, range(13)), decode_frames(source, range(17, 30)))


def test_matroska_without_a_count_in_its_header(tmp_path):
    assert count_frames(write(tmp_path / "clip.mkv", frames=9)) == 9


@pytest.mark.parametrize("options", [{}, {"movflags": "faststart"}], ids=["index last", "index first"])
@pytest.mark.parametrize("codec", ["mpeg4", "libx264"])
def test_every_cut_is_an_error_or_loses_no_frame(codec, options, tmp_path):
    path = write(tmp_path / "clip.mp4", codec, **options)
    whole = path.read_bytes()
    expected = decode_frames(path, range(30))
    refused = 0
    for length in range(0, len(whole), 61):
        path.write_bytes(whole[:length])
        try:
            frames = decode_frames(path, range(count_frames(path)))
        except DataError as error:
            assert str(path) in str(error)
            refused += 1
        else:
            np.testing.assert_array_equal(frames, expected)
    assert refused > 0.9 * len(whole) / 61


def test_damage_in_the_middle(tmp_path):
    path = write(tmp_path / "clip.mp4")
    content = bytearray(path.read_bytes())
    content[1000:1040] = bytes(40)
    path.write_bytes(content)
    with pytest.raises(DataError, match=r"clip\.mp4: .*damaged"):
        decode_frames(path, range(30))


def sound_only(path):
    with av.open(str(path), "w") as container:
        stream = container.add_stream("aac", rate=16000)
        frame = av.AudioFrame.from_ndarray(np.zeros((1, 1024), np.float32), format="fltp", layout="mono")
        frame.sample_rate = 16000
        container.mux(stream.encode(frame))
        container.mux(stream.encode())


@pytest.mark.parametrize(
    ("make", "words"),
    [
        (lambda path: None, "no such video"),
        (lambda path: path.touch(), "is not a video that can be read"),
        (lambda path: path.write_text("<html>"), "is not a video that can be read"),
        (lambda path: path.mkdir(), "is not a video that can be read"),
        (sound_only, "holds no video stream"),
    ],
    ids=["absent", "empty", "html", "folder", "sound only"],
)
def test_fault_names_file_and_mend(make, words, tmp_path):
    path = tmp_path / "clip.mp4"
    make(path)
    with pytest.raises(DataError, match=words) as caught:
        OpenVideo()(dict(filename=str(path)))
    assert str(path) in str(caught.value) and "remove it from the list" in str(caught.value)


def test_a_frame_past_the_end(tmp_path):
    path = write(tmp_path / "clip.mp4", frames=4)
    with pytest.raises(DataError, match="frame 4 was asked for, only 4 can be decoded"):
        decode_frames(path, [0, 4])


def test_no_file_stays_open(tmp_path):
    path = write(tmp_path / "clip.mp4")
    DecodeVideo()(OpenVideo()(dict(filename=str(path), frame_inds=[0])))
    path.write_bytes(path.read_bytes()[:-300])
    with pytest.raises(DataError):
        OpenVideo()(dict(filename=str(path)))
    opened = [os.readlink(f"/proc/self/fd/{number}") for number in os.listdir("/proc/self/fd") if _is_link(number)]
    assert str(path) not in opened


def _is_link(number):
    return os.path.lexists(f"/proc/self/fd/{number}")
