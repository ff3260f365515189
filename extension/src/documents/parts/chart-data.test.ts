import { describe, expect, it } from 'vitest';

import {
  aligned,
  axisNumber,
  colourVariable,
  dashes,
  positive,
  smoothed
} from './chart-data';

describe('lines over one axis', () => {
  it('stay as they are when there is one', () => {
    expect(aligned([{ label: 'a', x: [1, 2], y: [5, null] }])).toEqual([
      [1, 2],
      [5, null]
    ]);
  });

  it('keep the last of several points at one place', () => {
    expect(aligned([{ label: 'a', x: [0, 0, 1], y: [1, 2, 3] }])).toEqual([
      [0, 1],
      [2, 3]
    ]);
  });

  it('share the places of all', () => {
    const [x, first, second] = aligned([
      { label: 'a', x: [0, 2], y: [1, 3] },
      { label: 'b', x: [1, 2], y: [7, null] }
    ]);
    expect(x).toEqual([0, 1, 2]);
    expect(first).toEqual([1, undefined, 3]);
    expect(second).toEqual([undefined, 7, null]);
  });

  it('may be none', () => {
    expect(aligned([])).toEqual([[]]);
  });
});

describe('smoothing', () => {
  it('of weight 0 changes nothing', () => {
    expect(smoothed([3, 1, 2], 0)).toEqual([3, 1, 2]);
  });

  it('leaves what is constant, from its first point on', () => {
    for (const value of smoothed([4, 4, 4, 4], 0.9)) {
      expect(value).toBeCloseTo(4);
    }
  });

  it('weighs as it says', () => {
    const [first, second] = smoothed([0, 1], 0.5);
    expect(first).toBe(0);
    expect(second).toBeCloseTo(0.5 / 0.75);
  });

  it('passes gaps on and averages over them', () => {
    const [, gap, last] = smoothed([1, null, 1], 0.6);
    expect(gap).toBeNull();
    expect(last).toBeCloseTo(1);
  });
});

it('a logarithmic axis has no place for 0 and below', () => {
  expect(positive([1, 0, -2, null, 1e-9])).toEqual([1, null, null, null, 1e-9]);
});

it('fifty lines look different', () => {
  const looks = Array.from(
    { length: 50 },
    (_, place) => `${colourVariable(place)} ${dashes(place).join()}`
  );
  expect(new Set(looks).size).toBe(50);
});

it('numbers beside an axis are short', () => {
  expect([0, 0.25, 1234, 0.00002, 12_500_000].map(axisNumber)).toEqual([
    '0',
    '0.25',
    '1,234',
    '2e-5',
    '1.25e7'
  ]);
});
