/** A value with its interval, beside the limit that it has to keep. */

import React from 'react';

import type { Tone } from '../../panel/parts';
import { number } from '../../text';
import { trans } from '../../translation';

const WIDTH = 140;
const HEIGHT = 16;
const PAD = 6;

export interface IIntervalProps {
  value: number | null;
  low: number | null;
  high: number | null;
  limit?: number | null;
  tone: Tone;
}

export function Interval(props: IIntervalProps): JSX.Element | null {
  const { value, low, high, limit = null, tone } = props;
  const given = [value, low, high, limit].filter(
    (one): one is number => one !== null && Number.isFinite(one)
  );
  if (value === null || !Number.isFinite(value)) {
    return null;
  }
  const least = Math.min(...given);
  const most = Math.max(...given);
  const span = most - least || Math.abs(value) || 1;
  const start = most > least ? least : value - span / 2;
  const x = (one: number): number =>
    PAD + ((one - start) / span) * (WIDTH - 2 * PAD);
  const middle = HEIGHT / 2;
  return (
    <svg
      className={`mlnb-Interval mlnb-mod-${tone}`}
      width={WIDTH}
      height={HEIGHT}
      role="img"
      aria-label={words(props)}
    >
      <title>{words(props)}</title>
      <line
        className="mlnb-Interval-axis"
        x1={0}
        x2={WIDTH}
        y1={middle}
        y2={middle}
      />
      {low !== null && high !== null && (
        <rect
          className="mlnb-Interval-range"
          x={x(low)}
          y={middle - 3}
          width={Math.max(2, x(high) - x(low))}
          height={6}
          rx={3}
        />
      )}
      {limit !== null && (
        <line
          className="mlnb-Interval-limit"
          x1={x(limit)}
          x2={x(limit)}
          y1={1}
          y2={HEIGHT - 1}
        />
      )}
      <circle
        className="mlnb-Interval-value"
        cx={x(value)}
        cy={middle}
        r={3.5}
      />
    </svg>
  );
}

function words({ value, low, high, limit = null }: IIntervalProps): string {
  const range =
    low !== null && high !== null
      ? trans.__(
          '%1, between %2 and %3',
          number(value),
          number(low),
          number(high)
        )
      : number(value);
  return limit === null
    ? range
    : trans.__('%1; limit %2', range, number(limit));
}
