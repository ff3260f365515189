/** The numbers of a chart: lines over one axis, smoothed, and how each is drawn. */

import uPlot from 'uplot';

/** One line of a chart. */
export interface ISeries {
  /** What it is called where the chart is read out. */
  label: string;
  /** Where its points are, rising; seconds since 1970 on an axis of time. */
  x: number[];
  /** Null is no number: the line has a gap. */
  y: (number | null)[];
  /** Place in the palette; by default its place in the chart. */
  colour?: number;
}

/** So many colours there are; further lines are dashed. */
export const COLOURS = 10;
const DASHES = [[], [6, 3], [2, 3], [9, 3, 2, 3], [14, 4]];

/** The dashes of a line by its place in the palette. */
export function dashes(place: number): number[] {
  return DASHES[Math.floor(place / COLOURS) % DASHES.length] ?? [];
}

/** The variable of the theme that holds a line's colour, by its place in the palette. */
export function colourVariable(place: number): string {
  return `--mlnb-series-${place % COLOURS}`;
}

/** Put lines over one axis; of several points of a line at one place the last counts. */
export function aligned(series: ISeries[]): uPlot.AlignedData {
  const tables = series.map(one => lastOfEach(one.x, one.y));
  if (!tables.length) {
    return [[]];
  }
  return tables.length === 1
    ? (tables[0] as uPlot.AlignedData)
    : uPlot.join(
        tables,
        // where another line has a point and this one has none, it goes on
        tables.map(() => [0, 1])
      );
}

function lastOfEach(
  x: number[],
  y: (number | null)[]
): [number[], (number | null)[]] {
  const places: number[] = [];
  const values: (number | null)[] = [];
  x.forEach((place, at) => {
    if (places.length && places[places.length - 1] === place) {
      values[values.length - 1] = y[at] ?? null;
    } else {
      places.push(place);
      values.push(y[at] ?? null);
    }
  });
  return [places, values];
}

/**
 * An exponential moving average, corrected for its beginning (as Adam corrects its moments).
 *
 * @param values - What was measured; null is passed on, and not averaged.
 * @param weight - Of what was before, from 0 (nothing is smoothed) to below 1.
 */
export function smoothed(
  values: (number | null)[],
  weight: number
): (number | null)[] {
  let mean = 0;
  let rest = 1;
  return values.map(value => {
    if (value === null || !Number.isFinite(value)) {
      return null;
    }
    mean = weight * mean + (1 - weight) * value;
    rest *= weight;
    return mean / (1 - rest);
  });
}

/** Only what a logarithmic axis can show. */
export function positive(values: (number | null)[]): (number | null)[] {
  return values.map(value => (value !== null && value > 0 ? value : null));
}

/** A number beside an axis: short, and never rounded into its neighbour. */
export function axisNumber(value: number | null): string {
  if (value === null) {
    return '';
  }
  const size = Math.abs(value);
  if (size !== 0 && (size >= 1e6 || size < 1e-3)) {
    return value
      .toExponential(2)
      .replace(/\.?0+e/, 'e')
      .replace('e+', 'e');
  }
  return value.toLocaleString('en', { maximumSignificantDigits: 6 });
}
