/** A histogram as small as a word; what was before is an outline over what is now. */

import React from 'react';

import type { Histogram } from './records';
import { trans } from './translation';

const WIDTH = 120;
const HEIGHT = 28;

export interface IBar {
  left: number;
  width: number;
  height: number;
}

/** Bars over an axis from low to high; areas are shares, the highest is `densest`. */
export function barsOf(
  histogram: Histogram,
  low: number,
  high: number,
  densest: number
): IBar[] {
  const scale = high > low ? WIDTH / (high - low) : 0;
  return densities(histogram, high - low).map((density, at) => {
    const left = histogram.edges[at] ?? low;
    const right = histogram.edges[at + 1] ?? left;
    const width = Math.max(1.5, (right - left) * scale);
    const height = density
      ? Math.max(1.5, ((HEIGHT - 2) * density) / densest)
      : 0;
    return {
      left: Math.min((left - low) * scale, WIDTH - width),
      width,
      height
    };
  });
}

/** How high each bar is: its share of all by its share of the axis. */
function densities(histogram: Histogram, span: number): number[] {
  const total = histogram.counts.reduce((sum, count) => sum + count, 0) || 1;
  return histogram.counts.map((count, at) => {
    const width = (histogram.edges[at + 1] ?? 0) - (histogram.edges[at] ?? 0);
    const part = span > 0 ? Math.max(width / span, 1 / WIDTH) : 1;
    return count / total / part;
  });
}

export function Shape({
  now,
  before = null
}: {
  now: Histogram | null;
  before?: Histogram | null;
}): JSX.Element | null {
  const drawn = [before, now].filter(one => one !== null);
  if (!drawn.length) {
    return null;
  }
  const low = Math.min(...drawn.map(one => one.edges[0] ?? 0));
  const high = Math.max(
    ...drawn.map(one => one.edges[one.edges.length - 1] ?? 0)
  );
  const densest =
    Math.max(...drawn.flatMap(one => densities(one, high - low))) || 1;
  return (
    <svg
      className="mlnb-Shape"
      width={WIDTH}
      height={HEIGHT}
      viewBox={`0 0 ${WIDTH} ${HEIGHT}`}
      role="img"
      aria-label={
        before
          ? trans.__('Distribution now and before')
          : trans.__('Distribution')
      }
    >
      {now &&
        barsOf(now, low, high, densest).map((bar, at) => (
          <rect
            key={at}
            x={bar.left}
            y={HEIGHT - bar.height}
            width={Math.max(1, bar.width - 0.75)}
            height={bar.height}
          />
        ))}
      {before && <path d={outline(barsOf(before, low, high, densest))} />}
    </svg>
  );
}

function outline(bars: IBar[]): string {
  const steps = bars
    .map(
      ({ left, width, height }) =>
        `V${(HEIGHT - height).toFixed(1)}H${(left + width).toFixed(1)}`
    )
    .join('');
  return `M${(bars[0]?.left ?? 0).toFixed(1)} ${HEIGHT}${steps}V${HEIGHT}`;
}
