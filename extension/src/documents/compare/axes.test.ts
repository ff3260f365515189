import { describe, expect, it } from 'vitest';

import type { RunComparison } from '../../records';
import { run } from '../../testing/samples';
import { axesOf, heightOf, marksOf, nameOf, within } from './axes';

function comparison(part: Partial<RunComparison>): RunComparison {
  return {
    runs: [run(), run({ id: 'b' }), run({ id: 'c' })],
    params: {},
    metrics: {},
    inputs: [[], [], []],
    different: [],
    facts: {},
    packages: {},
    packages_same: null,
    code: [],
    curves: [],
    ...part
  };
}

const TRIED = comparison({
  params: {
    rate: ['0.001', '0.01', '1'],
    family: ['trees', 'lines', null],
    seed: ['1', '1', '1']
  },
  metrics: { auc: [0.5, 0.75, 1], lost: [null, null, null] },
  different: ['rate', 'family', 'auc', 'lost']
});

describe('axes', () => {
  it('are what differs and can be drawn', () => {
    expect(axesOf(TRIED).map(nameOf)).toEqual([
      'parameter rate',
      'parameter family',
      'metric auc'
    ]);
  });

  it('of numbers go from the lowest to the highest, by ratios when far apart', () => {
    const [rate, , auc] = axesOf(TRIED);
    expect(auc?.values.map(value => heightOf(auc, value))).toEqual([0, 0.5, 1]);
    expect(rate?.log).toBe(true);
    expect(heightOf(rate!, 0.01)).toBeCloseTo(1 / 3);
  });

  it('of texts have a place for each, and none for what is missing', () => {
    const family = axesOf(TRIED)[1]!;
    expect(family.names).toEqual(['lines', 'trees']);
    expect(family.values.map(value => heightOf(family, value))).toEqual([
      0.75,
      0.25,
      null
    ]);
    expect(marksOf(family, 10)).toEqual([
      ['lines', 0.25],
      ['trees', 0.75]
    ]);
  });

  it('of one number have it in the middle', () => {
    const [only] = axesOf(
      comparison({ metrics: { auc: [0.5, null, null] }, different: ['auc'] })
    );
    expect(heightOf(only!, 0.5)).toBe(0.5);
    expect(marksOf(only!, 5)).toEqual([['0.5', 0.5]]);
  });

  it('of very large numbers stay numbers', () => {
    const [axis] = axesOf(
      comparison({ metrics: { m: [-1e308, 0, 1e307] }, different: ['m'] })
    );
    expect(heightOf(axis!, 1e307)).toBeCloseTo(1);
  });
});

it('runs are chosen that go through all brushes', () => {
  const axes = axesOf(TRIED);
  expect(within(axes, {}, 3)).toEqual([true, true, true]);
  expect(within(axes, { 'metric auc': [0.4, 1] }, 3)).toEqual([
    false,
    true,
    true
  ]);
  expect(
    within(axes, { 'metric auc': [0.4, 1], 'parameter family': [0, 0.5] }, 3)
  ).toEqual([false, true, false]);
});
