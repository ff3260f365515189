"""Which row of one table is which row of another: by key, or by content.

Keys become 64-bit codes: their own bits where these suffice, several columns packed into one
number where their ranges allow it, else hashes whose matches are then compared value by value.
Codes are aligned by the cheapest of four ways. Measured on 5 million keys of one million and
five million rows (two cores of an AMD EPYC, numpy 2.4; Arrow's ``index_in`` and a sort of both
sides beside them):

==============================  ========  ========  ==================================
5,000,000 rows                  ours      index_in  way
==============================  ========  ========  ==================================
same keys, some appended        5 ms      1.1 s     the common beginning is no work
1 % deleted, sorted and dense   50 ms     1.1 s     a table from code to row
shuffled, dense                 75 ms     0.7 s     the same
sorted and sparse               105 ms    1.1 s     binary search in order
shuffled, sparse                0.4 s     0.7 s     tables from a code's hash to a row
==============================  ========  ========  ==================================
"""

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from mlnb.datasets.difference.arrays import BLOCK, Positions, bits_of, flat
from mlnb.datasets.difference.cells import changed_cells, changed_columns
from mlnb.datasets.difference.hashes import row_hashes

Codes = np.ndarray[Any, np.dtype[np.int64]]

_SPARSE = 4
"""A table from code to row may have this many places per row."""
_FACTORS = tuple(
    np.uint64(factor)
    for factor in (0x9E3779B97F4A7C15, 0xC2B2AE3D27D4EB4F, 0x165667B19E3779F9, 0xD6E8FEB86659FD93)
)
"""Odd numbers, one per round of `_by_hash`."""


def align(before: Any, after: Any) -> Positions:
    """Return for each row of one table its row in another, by the values of a key.

    Parameters
    ----------
    before, after : pyarrow.Array, pyarrow.ChunkedArray, or a list of them
        The key's column or columns, of the same types on both sides, each key occurring once on
        each side. Null is a value like any other here.

    Returns
    -------
    numpy.ndarray of int64
        Per row of ``after`` the row of ``before`` with its key, or -1.
    """
    left, right = _columns(before), _columns(after)
    codes = _exact(left, right)
    if codes is not None:
        return _aligned(*codes)
    left_table, right_table = _table(left), _table(right)
    left_codes = row_hashes(left_table).view(np.int64)
    right_codes = row_hashes(right_table).view(np.int64)
    rows = _aligned(left_codes, right_codes)
    return _verified(left_table, right_table, left_codes, right_codes, rows)


def align_content(before: Any, after: Any) -> Positions:
    """Return for each row of a table a row of another with the same values in all columns.

    A row that occurs several times is matched as often as it occurs on both sides, the first
    with the first.

    Parameters
    ----------
    before, after : pyarrow.Table
        With the same columns, of the same types, in the same order.

    Returns
    -------
    numpy.ndarray of int64
        Per row of ``after`` a row of ``before``, each at most once, or -1.
    """
    before, after = _table(before.columns), _table(after.columns)
    left_codes = row_hashes(before).view(np.int64)
    right_codes = row_hashes(after).view(np.int64)
    rows = _aligned(_counted(left_codes), _counted(right_codes))
    return _verified(before, after, left_codes, right_codes, rows)


def is_unique(key: Any) -> bool:
    """Tell whether no two rows have one key (a column, or several)."""
    columns = _columns(key)
    codes = _exact(columns, [column.slice(0, 0) for column in columns])
    if codes is not None:
        return _all_differ(codes[0])
    hashes = row_hashes(_table(columns))
    return _all_differ(hashes.view(np.int64)) or not len(repeated(key))


def repeated(key: Any) -> Positions:
    """Return the rows whose key an earlier row has already, increasing.

    Parameters
    ----------
    key : pyarrow.Array, pyarrow.ChunkedArray, or a list of them
        The key's column or columns.
    """
    table = _table(_columns(key))
    codes = row_hashes(table)
    order = np.argsort(codes, kind="stable")
    in_order = codes[order]
    starts = np.concatenate([[True], in_order[1:] != in_order[:-1]])[: len(codes)]
    firsts = order[np.flatnonzero(starts)][np.cumsum(starts) - 1]
    later = np.sort(order[~starts])
    first = np.empty(len(codes), np.int64)
    first[order] = firsts
    wrong = _unlike(table, table.take(pa.array(later)), first[later])
    for place in wrong:  # another key has this hash: look among all rows that have it
        row = int(later[place])
        same = np.flatnonzero(codes[:row] == codes[row])
        if not len(_like(table, same, table.slice(row, 1))):
            later[place] = -1
    return later[later >= 0]


def _columns(key: Any) -> list[Any]:
    return list(key) if isinstance(key, list | tuple) else [key]


def _table(columns: Sequence[Any]) -> Any:
    names = [str(place) for place in range(len(columns))]
    return pa.table([flat(column) for column in columns], names=names)


# -- codes ---------------------------------------------------------------------------------------


def _exact(before: Sequence[Any], after: Sequence[Any]) -> tuple[Codes, Codes] | None:
    """Return codes that are equal exactly where keys are, or None if 64 bits do not suffice."""
    if any(column.null_count or not _is_small(column.type) for column in (*before, *after)):
        return None
    left, right = ([_code(column) for column in side] for side in (before, after))
    if len(left) == 1:
        return left[0], right[0]
    return _packed(left, right)


def _is_small(kind: Any) -> bool:
    if isinstance(kind, pa.BaseExtensionType):
        return _is_small(kind.storage_type)
    return bool(pa.types.is_primitive(kind) and kind.bit_width <= 64)


def _code(column: Any) -> Codes:
    array = flat(column)
    if pa.types.is_signed_integer(array.type) and array.type.bit_width == 64:
        return np.asarray(array)
    if pa.types.is_signed_integer(array.type):
        return np.asarray(array).astype(np.int64)
    word: Codes = bits_of(array)[0].view(np.int64)
    return word


def _packed(left: Sequence[Codes], right: Sequence[Codes]) -> tuple[Codes, Codes] | None:
    """Return one code for several: their distances from the smallest, as digits of a number."""
    lows, sizes, places = [], [], 1
    for pair in zip(left, right, strict=True):
        some = [codes for codes in pair if len(codes)]
        low = min((int(codes.min()) for codes in some), default=0)
        sizes.append(max((int(codes.max()) for codes in some), default=0) - low + 1)
        lows.append(low)
        places *= sizes[-1]
    if places >= 2**63:
        return None
    packed = []
    for side in (left, right):
        total = np.zeros(len(side[0]), np.int64)
        for codes, low, size in zip(side, lows, sizes, strict=True):
            total *= size
            total += codes - low
        packed.append(total)
    return packed[0], packed[1]


def _counted(codes: Codes) -> Codes:
    """Return codes that tell the first, second, third … occurrence of one code apart."""
    if _all_differ(codes):
        return codes
    order = np.argsort(codes, kind="stable")
    in_order = codes[order]
    starts = np.flatnonzero(np.concatenate([[True], in_order[1:] != in_order[:-1]]))
    sizes = np.diff(np.append(starts, len(codes)))
    occurrence = np.arange(len(codes)) - np.repeat(starts, sizes)
    counted = np.empty_like(codes)
    counted[order] = in_order + occurrence * int(_FACTORS[1].view(np.int64))
    return counted


def _all_differ(codes: Codes) -> bool:
    steps = np.greater(codes[1:], codes[:-1])
    if steps.all():
        return True
    in_order = np.sort(codes)
    return not bool(np.equal(in_order[1:], in_order[:-1]).any())


# -- aligning codes ------------------------------------------------------------------------------


def _aligned(before: Codes, after: Codes) -> Positions:
    """Return for each of some codes its place among others, or -1."""
    found = np.full(len(after), -1, np.int64)
    start = _common(before, after)
    found[:start] = np.arange(start)
    end = _common(before[start:][::-1], after[start:][::-1])
    if end:
        found[len(after) - end :] = np.arange(len(before) - end, len(before))
    left, right = before[start : len(before) - end], after[start : len(after) - end]
    if not len(left) or not len(right):
        return found
    low, high = int(left.min()), int(left.max())
    if high - low < max(_SPARSE * len(left), 1024):
        inner = _by_place(left, right, low, high)
    elif _increases(left) and _increases(right):
        inner = _by_search(left, right)
    else:
        inner = _by_hash(left, right)
    if start:
        inner[inner >= 0] += start
    found[start : len(after) - end] = inner
    return found


def _common(before: Codes, after: Codes) -> int:
    """Return how many codes at the beginning are the same."""
    shorter = min(len(before), len(after))
    for start in range(0, shorter, BLOCK):
        end = min(start + BLOCK, shorter)
        differ = before[start:end] != after[start:end]
        if differ.any():
            return start + int(differ.argmax())
    return shorter


def _increases(codes: Codes) -> bool:
    return bool(np.greater(codes[1:], codes[:-1]).all())


def _by_place(before: Codes, after: Codes, low: int, high: int) -> Positions:
    """Align by a table with one place per code from ``low`` to ``high``."""
    table = np.full(high - low + 1, -1, _row_type(before))
    found = np.empty(len(after), np.int64)
    # In blocks: memory that is touched for the first time costs more than the work on it.
    for start in range(0, len(before), BLOCK):
        codes = before[start : start + BLOCK]
        table[codes - low] = np.arange(start, start + len(codes), dtype=table.dtype)
    for start in range(0, len(after), BLOCK):
        codes = after[start : start + BLOCK]
        inside = (codes >= low) & (codes <= high)
        rows = table.take(codes - low, mode="clip")
        found[start : start + BLOCK] = rows if inside.all() else np.where(inside, rows, -1)
    return found


def _by_search(before: Codes, after: Codes) -> Positions:
    """Align increasing codes: neighbours are looked for in neighbouring places."""
    places = np.searchsorted(before, after)
    places[places == len(before)] = 0
    places[before[places] != after] = -1
    return places


def _by_hash(before: Codes, after: Codes) -> Positions:
    """Align by tables from a hash of the code to a row.

    In each round the codes write their row to the place of their hash; who was overwritten by
    another takes part in the next round, with another hash. Codes are looked up round by round.
    """
    found = np.full(len(after), -1, np.int64)
    waiting = np.arange(len(before), dtype=_row_type(before))
    open_rows: Any = slice(None)
    wanted, stored = after, before
    for turn in range(len(before)):
        bits = max(int(1.5 * len(waiting)).bit_length(), 4)
        places = _slots(stored, bits, turn)
        table = np.full(1 << bits, -1, waiting.dtype)
        table[places] = waiting
        lost = table[places] != waiting
        candidates = table[_slots(wanted, bits, turn)]
        same = (before[candidates] == wanted) & (candidates >= 0)
        missed = np.flatnonzero(~same)
        if isinstance(open_rows, slice):
            found[same] = candidates[same]
            open_rows = missed
        else:
            found[open_rows[same]] = candidates[same]
            open_rows = open_rows[missed]
        waiting = waiting[lost]
        if not len(waiting) or not len(open_rows):
            break
        wanted, stored = after[open_rows], before[waiting]
    return found


def _slots(codes: Codes, bits: int, turn: int) -> Any:
    mixed = codes.view(np.uint64) * _FACTORS[turn % len(_FACTORS)]
    if turn >= len(_FACTORS):  # equal hashes of different keys never come apart; others do
        mixed ^= mixed >> np.uint64(29)
        mixed *= _FACTORS[turn // len(_FACTORS) % len(_FACTORS)]
    mixed >>= np.uint64(64 - bits)
    return mixed.view(np.int64)


def _row_type(codes: Codes) -> Any:
    return np.int32 if len(codes) < 2**31 else np.int64


# -- being sure ----------------------------------------------------------------------------------


def _verified(before: Any, after: Any, left: Codes, right: Codes, rows: Positions) -> Positions:
    """Return an alignment by hashes, with the pairs put right whose values differ after all.

    Parameters
    ----------
    before, after : pyarrow.Table
    left, right : numpy.ndarray of int64
        The hashes of their rows.
    rows : numpy.ndarray of int64
        The alignment; it is changed.
    """
    matched = np.flatnonzero(rows >= 0)
    wrong = matched[_unlike(before, _selected(after, matched), rows[matched])]
    if not len(wrong):
        return rows
    rows[wrong] = -1
    for place in np.flatnonzero((rows < 0) & np.isin(right, right[wrong])):
        row = int(place)
        for candidate in _like(before, np.flatnonzero(left == right[row]), after.slice(row, 1)):
            if not (rows == candidate).any():
                rows[row] = candidate
                break
    return rows


def _unlike(before: Any, after: Any, rows: Positions) -> Positions:
    """Return the rows of a table that differ in any column from their counterparts."""
    found = [places for places in changed_columns(before, after, rows).values() if len(places)]
    return np.unique(np.concatenate(found)) if found else np.zeros(0, np.int64)


def _like(table: Any, rows: Positions, one: Any) -> Positions:
    """Return those of some rows that have the values of a table's only row."""
    here = table.take(pa.array(rows))
    kept = np.arange(len(rows))
    zeros = np.zeros(len(rows), np.int64)
    for name in table.schema.names:
        differ = changed_cells(one[name], here[name], zeros)
        kept = np.setdiff1d(kept, differ)
    return rows[kept]


def _selected(table: Any, rows: Positions) -> Any:
    if len(rows) == table.num_rows:
        return table
    if len(rows) and rows[-1] - rows[0] == len(rows) - 1:
        return table.slice(int(rows[0]), len(rows))
    return table.take(pa.array(rows))
