/** What a chart says at the pointer: the place, and each line's value there. */

import React from 'react';
import type uPlot from 'uplot';

import type { IChartProps } from './chart';
import { axisNumber, colourVariable } from './chart-data';

const SHOWN = 10;

/** What is read at one place. */
export interface IReading {
  /** Pixels from the chart's left edge, and the chart's width. */
  left: number;
  width: number;
  place: string;
  lines: { label: string; value: string; colour: number }[];
  /** So many lines more than are shown. */
  more: number;
}

/** Read a chart where its pointer is; of many lines those nearest to it. */
export function readings(made: uPlot, props: IChartProps): IReading | null {
  const { idx, left, top } = made.cursor;
  const place = idx === null || idx === undefined ? null : made.data[0][idx];
  if (place === null || place === undefined || (left ?? -1) < 0) {
    return null;
  }
  const { series, formatX, formatY = exact, time } = props;
  const found = series.flatMap((one, at) => {
    const value = valueAt(made.data[at + 1] ?? [], idx ?? 0);
    return value === null
      ? []
      : [
          {
            label: one.label,
            value: formatY(value),
            colour: one.colour ?? at,
            far: Math.abs(made.valToPos(value, 'y') - (top ?? 0)),
            height: value
          }
        ];
  });
  if (!found.length) {
    return null;
  }
  const near = [...found]
    .sort((one, other) => one.far - other.far)
    .slice(0, SHOWN)
    .sort((one, other) => other.height - one.height);
  const words = formatX ?? (time ? moment : axisNumber);
  return {
    left: (left ?? 0) + made.over.offsetLeft,
    width: made.width,
    place: words(place),
    lines: near,
    more: found.length - near.length
  };
}

/** The value at a place, or the last one before it where other lines have points in between. */
function valueAt(
  values: ArrayLike<number | null | undefined>,
  idx: number
): number | null {
  for (let at = idx; at >= 0 && at > idx - 200; at--) {
    const value = values[at];
    if (value !== undefined) {
      return value;
    }
  }
  return null;
}

function exact(value: number | null): string {
  return value === null
    ? ''
    : value.toLocaleString('en', { maximumSignificantDigits: 6 });
}

function moment(seconds: number): string {
  return new Date(seconds * 1000).toLocaleString();
}

export function Readout({ reading }: { reading: IReading }): JSX.Element {
  const { left, width, place, lines, more } = reading;
  const side =
    left > width / 2 ? { right: width - left + 12 } : { left: left + 12 };
  return (
    <div className="mlnb-Chart-readout" style={side} aria-live="polite">
      <strong>{place}</strong>
      <table>
        <tbody>
          {lines.map((line, at) => (
            <tr key={at}>
              <th scope="row">
                <i
                  style={{ background: `var(${colourVariable(line.colour)})` }}
                />
                <span>{line.label}</span>
              </th>
              <td>{line.value}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {more > 0 && <em>{`+ ${more}`}</em>}
    </div>
  );
}
