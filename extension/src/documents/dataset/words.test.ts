import { expect, it } from 'vitest';

import type { ColumnProfile } from '../../records';
import { distinct, figures, range, share, variable } from './words';

function column(part: Partial<ColumnProfile>): ColumnProfile {
  return {
    name: 'delay',
    type: 'double',
    nulls: 0,
    distinct: null,
    estimated: false,
    minimum: null,
    maximum: null,
    mean: null,
    deviation: null,
    quantiles: {},
    top: [],
    histogram: null,
    ...part
  };
}

it('says the range of what has an order, and else what is common', () => {
  expect(
    range(column({ minimum: -1.5, maximum: 20, quantiles: { '0.5': 3 } }))
  ).toBe('-1.5 … 3 … 20');
  expect(
    range(
      column({
        top: [
          { value: 'UA', count: 1200 },
          { value: '', count: 1 }
        ]
      })
    )
  ).toBe('UA ×1,200,  ×1');
});

it('marks an estimate', () => {
  expect(distinct(column({ distinct: 1234 }))).toBe('1,234');
  expect(distinct(column({ distinct: 1234, estimated: true }))).toBe('≈ 1,200');
  expect(distinct(column({}))).toBe('');
});

it('says shares in per cent', () => {
  expect([share(0, 10), share(1, 3), share(1, 100_000)]).toEqual([
    '',
    '33.3%',
    '<0.1%'
  ]);
});

it('lists only figures that there are', () => {
  expect(
    figures(column({ minimum: 0, quantiles: { '0.25': 1 }, mean: 0 }))
  ).toEqual([
    ['minimum', '0'],
    ['25%', '1'],
    ['mean', '0']
  ]);
});

it('makes a name for Python', () => {
  expect(variable('2024-flights.v2')).toBe('_2024_flights_v2');
});
