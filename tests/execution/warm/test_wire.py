import os
import socket
from collections.abc import Iterator

import pytest

from mlnb.execution.warm import wire

Pair = tuple[socket.socket, socket.socket]


@pytest.fixture
def pair() -> Iterator[Pair]:
    one, other = socket.socketpair()
    with one, other:
        yield one, other


def test_frames_arrive_whole_and_in_order(pair: Pair) -> None:
    one, other = pair
    wire.send(one, {"a": 1})
    wire.send(one, {"b": "ü" * 10})
    assert wire.Reader(other).wait() == [{"a": 1}, {"b": "ü" * 10}]


def test_a_frame_in_pieces_is_put_together(pair: Pair) -> None:
    one, other = pair
    body = b'{"a":1}'
    data = len(body).to_bytes(4, "big") + body
    reader = wire.Reader(other)
    assert reader.read() == []
    for byte in data[:-1]:
        one.send(bytes([byte]))
        assert reader.read() == []
    one.send(data[-1:])
    assert reader.read() == [{"a": 1}]


def test_descriptors_travel_beside_a_frame(pair: Pair) -> None:
    one, other = pair
    read, write = os.pipe()
    wire.send(one, {}, (write,))
    os.close(write)
    reader = wire.Reader(other)
    assert reader.wait() == [{}]
    (copy,) = reader.take_fds()
    os.write(copy, b"x")
    os.close(copy)
    assert os.read(read, 2) == b"x"
    os.close(read)


def test_the_end_of_the_other_side_is_said(pair: Pair) -> None:
    one, other = pair
    one.close()
    with pytest.raises(wire.Closed):
        wire.Reader(other).wait()
    with pytest.raises(wire.Closed):
        wire.send(other, {"a": 1})


def test_a_frame_that_claims_to_be_huge_is_refused(pair: Pair) -> None:
    one, other = pair
    one.send(b"\xff\xff\xff\xff")
    with pytest.raises(wire.Closed, match="too long"):
        wire.Reader(other).wait()
