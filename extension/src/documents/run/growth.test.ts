import { expect, it } from 'vitest';

import type { RunCurve, RunHistory } from '../../records';
import { run } from '../../testing/samples';
import { grown, overgrown } from './growth';

function curve(metric: string, steps: number[], from = 0): RunCurve {
  return {
    metric,
    points: steps.length,
    steps,
    values: steps.map(step => step / 10),
    times: steps.map((_, at) => from + at)
  };
}

function answer(whole: boolean, ...curves: RunCurve[]): RunHistory {
  return { run: run(), whole, after: 1, curves };
}

it('a whole answer replaces what was known', () => {
  const known = [curve('loss', [0, 1])];
  expect(grown(known, answer(true, curve('auc', [5])))).toEqual([
    curve('auc', [5])
  ]);
});

it('new points come behind the known ones', () => {
  const [loss] = grown([curve('loss', [0, 1])], {
    ...answer(false, curve('loss', [2, 3], 9))
  });
  expect(loss?.steps).toEqual([0, 1, 2, 3]);
  expect(loss?.points).toBe(4);
});

it('steps that were logged late are put in their place', () => {
  const [loss] = grown(
    [curve('loss', [0, 5])],
    answer(false, curve('loss', [3], 9))
  );
  expect(loss?.steps).toEqual([0, 3, 5]);
  expect(loss?.values).toEqual([0, 0.3, 0.5]);
});

it('a metric that is new comes in its place by name', () => {
  const found = grown(
    [curve('b', [0]), curve('c', [0])],
    answer(false, curve('a', [0]))
  );
  expect(found.map(one => one.metric)).toEqual(['a', 'b', 'c']);
});

it('nothing new changes nothing, not even the list itself', () => {
  const known = [curve('loss', [0])];
  expect(grown(known, answer(false))).toBe(known);
});

it('what has come in very many parts is to be thinned anew', () => {
  const long = Array.from({ length: 3001 }, (_, step) => step);
  expect(overgrown([curve('loss', long)])).toBe(true);
  expect(overgrown([curve('loss', [1])])).toBe(false);
});
