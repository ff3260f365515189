"""A 64-bit number for each value or row: equal contents get equal numbers.

Different contents nearly always get different ones; who needs to be sure compares the values
where the numbers are equal. NaN is one value whatever its payload, null is another, -0.0 and 0.0
are two, and neither chunks nor the kind of offsets count. A number is the same in every process,
but is not meant to be stored: the mixing may change.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numpy as np
import pyarrow as pa

from mlnb.datasets.difference.arrays import (
    BLOCK,
    bits_of,
    flat,
    is_text,
    lists_of,
    strings_of,
    validity,
    words_in,
)

Words = np.ndarray[Any, np.dtype[np.uint64]]

_SEED = np.uint64(0x243F6A8885A308D3)
_NULL = np.uint64(0x452821E638D01377)
_SPREAD = np.uint64(0x9E3779B97F4A7C15)
"""2⁶⁴ divided by the golden ratio: an odd number whose multiples are well spread."""
_POWER = np.uint64(0xD6E8FEB86659FD93)
_HALF = np.uint64(32)
_FEW = 8
"""Texts that are longer than all others of a block are read one by one, not word by word."""


def row_hashes(table: Any) -> Words:
    """Return a number for each row of a table.

    Parameters
    ----------
    table : pyarrow.Table
        Rows of two tables can be compared when their columns have the same types in one order;
        their names do not count.

    Returns
    -------
    numpy.ndarray of uint64
    """
    return _in_blocks(table.columns, table.num_rows)


def value_hashes(column: Any) -> Words:
    """Return a number for each value of an Arrow array."""
    return _in_blocks([column], len(column))


def _in_blocks(columns: Sequence[Any], rows: int) -> Words:
    found = np.empty(rows, np.uint64)
    prepared = [_prepared(column) for column in columns]

    def fill(start: int) -> None:
        length = min(BLOCK, rows - start)
        total = np.full(length, _SEED)
        for hashes in prepared:
            _stir(total, hashes(start, length))
        found[start : start + length] = total

    starts = range(0, rows, BLOCK)
    if len(starts) * len(columns) < 16:  # starting threads would cost more
        for start in starts:
            fill(start)
    else:
        with ThreadPoolExecutor(max_workers=2) as pool:
            list(pool.map(fill, starts))
    return found


def _prepared(column: Any) -> Callable[[int, int], Words]:
    """Return a function from start and length to the numbers of those values."""
    if pa.types.is_dictionary(column.type):  # each different text is read once
        whole = column if isinstance(column, pa.ChunkedArray) else pa.chunked_array([column])
        one = flat(whole.unify_dictionaries())
        known = np.append(_hashes(flat(one.dictionary)), _NULL)

        def of_dictionary(start: int, length: int) -> Words:
            indices = one.indices.slice(start, length)
            if indices.null_count:
                indices = indices.cast(pa.int64()).fill_null(len(known) - 1)
            picked: Words = known[np.asarray(indices)]
            return picked

        return of_dictionary
    return lambda start, length: _hashes(flat(column.slice(start, length)))


def _hashes(array: Any) -> Words:
    """Return a number for each value of one array."""
    kind = array.type
    if pa.types.is_null(kind):
        return np.full(len(array), _NULL)
    if pa.types.is_dictionary(kind):
        return _prepared(array)(0, len(array))
    if is_text(kind):
        found = _of_texts(*strings_of(array))
    elif pa.types.is_struct(kind):
        found = np.full(len(array), _SEED)
        for child in array.flatten():
            _stir(found, _hashes(flat(child)))
    elif pa.types.is_nested(kind):
        lengths, values = lists_of(array)
        found = _of_lists(lengths, _hashes(flat(values)))
    else:
        found = np.full(len(array), _SEED)
        for word in bits_of(array):
            _stir(found, word)
    valid = validity(array)
    if valid is not None:
        found[~valid] = _NULL
    return found


def _stir(total: Words, word: Words) -> None:
    """Mix a word into each total; for one total, different words give different results."""
    total ^= word
    total *= _SPREAD
    total ^= total >> _HALF


def _of_texts(starts: Any, lengths: Any, data: Any) -> Words:
    """Return Σ mixed(word i) · powerⁱ over the 8-byte words of each text, mixed with its length.

    Parameters
    ----------
    starts, lengths : numpy.ndarray of int64
        Where each text lies in the data, in bytes.
    data : numpy.ndarray of uint8
    """
    found = np.zeros(len(starts), np.uint64)
    words = words_in(data)
    rows: Any = slice(None)
    power, step = 1, 0
    left = lengths
    while left.size and (longest := int(left.max())) > 0:
        if step and left.size <= _FEW and longest > 64:
            for row in rows:
                found[row : row + 1] += _rest(words, int(starts[row]), int(lengths[row]), step)
            break
        mixed = _mixed(words[starts[rows] + 8 * step], left)
        mixed *= np.uint64(power)
        found[rows] += mixed
        power = power * int(_POWER) % 2**64
        step += 1
        more = np.flatnonzero(left > 8)
        rows = more if isinstance(rows, slice) else rows[more]
        left = left[more] - 8
    _stir(found, lengths.view(np.uint64))
    return found


def _mixed(words: Words, left: Any) -> Words:
    """Mix words of which only the first ``left`` bytes belong to the text."""
    missing = np.maximum(8 - left, 0)
    if missing.any():
        shift = (missing << 3).astype(np.uint64)
        np.minimum(shift, np.uint64(63), out=shift)
        words <<= shift  # the bytes of the next text fall out at the top
        words[missing == 8] = 0
    words *= _SPREAD
    words ^= words >> _HALF
    words *= _POWER
    return words


def _rest(words: Words, start: int, length: int, step: int) -> np.uint64:
    """Return the sum of `_of_texts` over the words of one text from one of them on."""
    count = -(-length // 8) - step
    places = start + 8 * (step + np.arange(count))
    left = np.minimum(length - 8 * (step + np.arange(count)), 8)
    powers = np.cumprod(np.full(step + count, _POWER))  # powerⁱ⁺¹
    mixed = _mixed(words[places], left)
    factors = powers[step - 1 : step - 1 + count]
    return np.uint64(np.add.reduce(mixed * factors))


def _of_lists(lengths: Any, values: Words) -> Words:
    """Return Σ mixed(value i) · powerⁱ over each list, mixed with its length."""
    ends = np.cumsum(lengths)
    longest = int(lengths.max(initial=0))
    powers = np.cumprod(np.full(longest, _POWER))
    inner = np.arange(len(values)) - np.repeat(ends - lengths, lengths)
    terms = np.empty(len(values) + 1, np.uint64)
    terms[0] = 0
    np.cumsum(values * powers[inner], out=terms[1:])
    found: Words = terms[ends] - terms[ends - lengths]
    _stir(found, lengths.astype(np.uint64))
    return found
