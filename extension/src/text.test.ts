import { describe, expect, it } from 'vitest';

import { browserPath } from './paths';
import { cells, done, fraction } from './pipelines/progress';
import { NOW, progress, step } from './testing/samples';
import { ago, count, duration, number, size } from './text';

describe('numbers', () => {
  it.each([
    [336776, '336,776'],
    [0.81234567, '0.8123'],
    [0.000012345, '0.00001234'],
    [1e-9, '1e-9'],
    [-2, '-2'],
    [NaN, 'n/a'],
    [null, 'n/a']
  ])('%s is %s', (value, text) => {
    expect(number(value)).toBe(text);
  });

  it.each([
    [0, '0 B'],
    [999, '999 B'],
    [5_300_000, '5.3 MB'],
    [42_000, '42 kB']
  ])('%d bytes are %s', (value, text) => {
    expect(size(value)).toBe(text);
  });

  it('counts', () => {
    expect(count(1, 'row')).toBe('1 row');
    expect(count(1200, 'row')).toBe('1,200 rows');
  });
});

describe('times', () => {
  it('are relative', () => {
    const now = Date.now();
    const before = (s: number): string =>
      new Date(now - s * 1000).toISOString();
    expect(ago(before(5), now)).toBe('just now');
    expect(ago(before(300), now)).toContain('5 min');
    expect(ago(before(90_000), now)).toBe('yesterday');
  });

  it.each([
    ['2026-03-01T11:59:57Z', '3 s'],
    ['2026-03-01T11:57:55Z', '2 min 5 s'],
    ['2026-03-01T10:57:00Z', '1 h 3 min'],
    ['2026-03-01T12:00:09Z', '0 s']
  ])('since %s are %s', (start, text) => {
    expect(duration(start, null, Date.parse(NOW))).toBe(text);
    expect(duration(start, NOW)).toBe(text);
  });
});

describe('browserPath', () => {
  const here = { name: 'p', prefix: '', within: '', reachable: true };

  it('is the path where the server serves the project', () => {
    expect(browserPath(here, 'a/b.ipynb')).toBe('a/b.ipynb');
  });

  it('has the folder in front where the project lies deeper', () => {
    const place = { ...here, prefix: 'work/p' };
    expect(browserPath(place, 'a.ipynb')).toBe('work/p/a.ipynb');
  });

  it('loses the folder where the server lies deeper', () => {
    const place = { ...here, within: 'nb' };
    expect(browserPath(place, 'nb/a.ipynb')).toBe('a.ipynb');
    expect(browserPath(place, 'nbx/a.ipynb')).toBeNull();
  });

  it('is null for what the file browser cannot show', () => {
    expect(browserPath(here, '')).toBeNull();
    expect(browserPath(here, '../a.ipynb')).toBeNull();
    expect(browserPath(here, '.mlnb/runs/a.ipynb')).toBeNull();
    expect(browserPath({ ...here, reachable: false }, 'a.ipynb')).toBeNull();
  });
});

describe('progress', () => {
  it('counts cells of running steps and all of ended ones', () => {
    const run = progress({
      steps: [
        step({ status: 'FINISHED', cells: 9, cells_done: 9 }),
        step({ status: 'SKIPPED' }),
        step({ status: 'RUNNING', cells: 4, cells_done: 2 }),
        step()
      ]
    });
    expect(done(run)).toBe(2);
    expect(fraction(run)).toBeCloseTo(2.5 / 4);
    expect(fraction(progress())).toBe(0);
  });

  it('names the cell at work, never one past the last', () => {
    expect(cells(step())).toBe('starting');
    expect(cells(step({ cells: 12, cells_done: 2 }))).toBe('cell 3/12');
    expect(cells(step({ cells: 12, cells_done: 12 }))).toBe('cell 12/12');
  });
});
