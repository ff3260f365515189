import { expect, it } from 'vitest';

import { barsOf } from './histogram';

it('bars stand where their edges are, and the densest fills the height', () => {
  const bars = barsOf({ edges: [0, 1, 2], counts: [1, 3] }, 0, 2, 1.5);
  expect(bars.map(bar => bar.left)).toEqual([0, 60]);
  expect(bars.map(bar => bar.width)).toEqual([60, 60]);
  expect(bars[1]?.height).toBeCloseTo(26);
  expect(bars[0]?.height).toBeCloseTo(26 / 3);
});

it('an empty bar has no height, a rare value can be seen', () => {
  const [empty, rare] = barsOf(
    { edges: [0, 1, 2, 3], counts: [0, 1, 100_000] },
    0,
    3,
    3
  );
  expect(empty?.height).toBe(0);
  expect(rare?.height).toBe(1.5);
});

it('one value alone is one bar inside the picture', () => {
  const [bar] = barsOf({ edges: [7, 7], counts: [5] }, 7, 7, 1);
  expect(bar?.left).toBe(0);
  expect(bar?.width).toBe(1.5);
});
