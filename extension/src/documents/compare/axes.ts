/** The axes of parallel coordinates: what differs between runs, as heights from 0 to 1. */

import type { RunComparison } from '../../records';

export interface IAxis {
  key: string;
  kind: 'parameter' | 'metric';
  /** Per run; null is missing or no number. */
  values: (number | string | null)[];
  /** Different texts from the bottom up; empty where all values are numbers. */
  names: string[];
  low: number;
  high: number;
  /** Whether equal distances are equal ratios. */
  log: boolean;
}

/** From this ratio of the largest to the smallest number on, an axis is logarithmic. */
const RATIO = 100;

/** Parameters that differ, then metrics that do. */
export function axesOf(comparison: RunComparison): IAxis[] {
  const different = new Set(comparison.different);
  const found: IAxis[] = [];
  for (const [key, values] of Object.entries(comparison.params)) {
    if (different.has(key)) {
      found.push(axis(key, 'parameter', values));
    }
  }
  for (const [key, values] of Object.entries(comparison.metrics)) {
    if (different.has(key) && values.some(value => value !== null)) {
      found.push(axis(key, 'metric', values));
    }
  }
  return found;
}

function axis(
  key: string,
  kind: IAxis['kind'],
  given: (number | string | null)[]
): IAxis {
  const numbers = given.map(asNumber);
  const isText = given.some(
    (value, place) => value !== null && numbers[place] === null
  );
  if (isText) {
    const names = [
      ...new Set(given.filter(value => value !== null).map(String))
    ].sort();
    const values = given.map(value => (value === null ? null : String(value)));
    return { key, kind, values, names, low: 0, high: 1, log: false };
  }
  const known = numbers.filter(value => value !== null);
  const low = Math.min(...known);
  const high = Math.max(...known);
  const log = low > 0 && high / low >= RATIO;
  return { key, kind, values: numbers, names: [], low, high, log };
}

function asNumber(value: number | string | null): number | null {
  if (value === null || value === '') {
    return null;
  }
  const found = Number(value);
  return Number.isFinite(found) ? found : null;
}

/** How high a value is on its axis, from 0 to 1; null where it has no place. */
export function heightOf(
  axis: IAxis,
  value: number | string | null
): number | null {
  if (value === null) {
    return null;
  }
  if (axis.names.length) {
    const place = axis.names.indexOf(String(value));
    return place < 0 ? null : (place + 0.5) / axis.names.length;
  }
  const number = Number(value);
  if (axis.high === axis.low) {
    return 0.5;
  }
  return axis.log
    ? Math.log(number / axis.low) / Math.log(axis.high / axis.low)
    : number / (axis.high - axis.low) - axis.low / (axis.high - axis.low);
}

/** What stands beside an axis, and how high. */
export function marksOf(axis: IAxis, most: number): [string, number][] {
  if (axis.names.length) {
    const every = Math.ceil(axis.names.length / most);
    return axis.names
      .filter((_, place) => place % every === 0)
      .map(name => [name, heightOf(axis, name) ?? 0]);
  }
  if (axis.high === axis.low) {
    return [[short(axis.low), 0.5]];
  }
  return [0, 0.25, 0.5, 0.75, 1].map(height => [
    short(
      axis.log
        ? axis.low * (axis.high / axis.low) ** height
        : axis.low + (axis.high - axis.low) * height
    ),
    height
  ]);
}

function short(value: number): string {
  const size = Math.abs(value);
  return size !== 0 && (size >= 1e6 || size < 1e-3)
    ? value.toExponential(1).replace('e+', 'e')
    : String(Number(value.toPrecision(3)));
}

/** A part of an axis, by heights. */
export type Brush = readonly [number, number];

/** Which runs go through all brushes. */
export function within(
  axes: IAxis[],
  brushes: { readonly [key: string]: Brush },
  runs: number
): boolean[] {
  return Array.from({ length: runs }, (_, run) =>
    axes.every(axis => {
      const brush = brushes[nameOf(axis)];
      if (!brush) {
        return true;
      }
      const height = heightOf(axis, axis.values[run] ?? null);
      return height !== null && height >= brush[0] && height <= brush[1];
    })
  );
}

/** A parameter and a metric may have one name. */
export function nameOf(axis: IAxis): string {
  return `${axis.kind} ${axis.key}`;
}
