/**
 * A chart of lines: zoom by dragging, back by a double click, values where the pointer is, or by
 * the arrow keys.
 */

import React, { useEffect, useLayoutEffect, useRef, useState } from 'react';
import uPlot from 'uplot';

import type { ISeries } from './chart-data';
import {
  aligned,
  axisNumber,
  colourVariable,
  dashes,
  positive,
  smoothed
} from './chart-data';
import type { IReading } from './chart-readout';
import { Readout, readings } from './chart-readout';
import { axisLook, onTheme, themed } from './chart-theme';

export type { ISeries } from './chart-data';

export interface IChartProps {
  /** What the chart shows, for who cannot see it. */
  label: string;
  series: ISeries[];
  /** In pixels. */
  height?: number;
  /** Whether x is seconds since 1970. */
  time?: boolean;
  /** Whether y is logarithmic; what is not above 0 is then not drawn. */
  log?: boolean;
  /** Weight of what was before, from 0 to below 1; what was measured stays, faintly. */
  smoothing?: number;
  /** Where y begins at least: 0 for what is counted. */
  from?: number;
  /** A value of x, in words. */
  formatX?: (value: number) => string;
  /** A value of y, in words. */
  formatY?: (value: number | null) => string;
  /** Charts of one name show the pointer at the same place. */
  together?: string;
}

export function Chart(props: IChartProps): JSX.Element {
  const { label, series, height = 180, smoothing = 0, log = false } = props;
  const box = useRef<HTMLDivElement>(null);
  const plot = useRef<uPlot | null>(null);
  const [reading, setReading] = useState<IReading | null>(null);
  const latest = useRef(props);
  latest.current = props;

  // made anew when what it consists of changes; new points only change its data
  const makeup = JSON.stringify([
    series.map(one => [one.label, one.colour]),
    log,
    smoothing > 0,
    props.time,
    props.together,
    props.from
  ]);
  useLayoutEffect(() => {
    const node = box.current;
    if (!node) {
      return;
    }
    const made = new uPlot(
      options(node, latest, setReading),
      dataOf(latest.current),
      node
    );
    plot.current = made;
    const sizes = new ResizeObserver(() => {
      const width = Math.floor(node.clientWidth);
      if (width > 0) {
        made.setSize({ width, height: latest.current.height ?? 180 });
      }
    });
    sizes.observe(node);
    const stop = onTheme(() => made.redraw(false, true));
    return () => {
      stop();
      sizes.disconnect();
      made.destroy();
      plot.current = null;
      setReading(null);
    };
  }, [makeup]);

  const drawn = useRef(series);
  useEffect(() => {
    const made = plot.current;
    if (made && drawn.current !== series) {
      drawn.current = series;
      made.setData(dataOf(latest.current), !isZoomed(made));
    }
  }, [series]);
  useEffect(() => {
    plot.current?.setData(dataOf(latest.current), false);
  }, [smoothing]);

  return (
    <div
      className="mlnb-Chart"
      role="figure"
      aria-label={label}
      tabIndex={0}
      style={{ minHeight: height }}
      onKeyDown={event => {
        const by = { ArrowLeft: -1, ArrowRight: 1 }[event.key];
        if (by && plot.current) {
          event.preventDefault();
          event.stopPropagation();
          step(plot.current, by * (event.shiftKey ? 10 : 1));
        }
      }}
      onBlur={() => plot.current?.setCursor({ left: -10, top: -10 })}
    >
      <div ref={box} className="mlnb-Chart-box" />
      {reading && <Readout reading={reading} />}
    </div>
  );
}

/** The lines, then, when they are smoothed, the same as they were measured. */
function dataOf({
  series,
  smoothing = 0,
  log = false
}: IChartProps): uPlot.AlignedData {
  const measured = log
    ? series.map(one => ({ ...one, y: positive(one.y) }))
    : series;
  if (!smoothing) {
    return aligned(measured);
  }
  const smooth = measured.map(one => ({
    ...one,
    y: smoothed(one.y, smoothing)
  }));
  return aligned([...smooth, ...measured]);
}

function options(
  node: HTMLElement,
  latest: React.MutableRefObject<IChartProps>,
  tell: (reading: IReading | null) => void
): uPlot.Options {
  const { series, height = 180, time = false, log, smoothing } = latest.current;
  const { together, from } = latest.current;
  const look = axisLook(node);
  const line = (one: ISeries, at: number, faint: boolean): uPlot.Series => ({
    label: one.label,
    stroke: () =>
      themed(node, colourVariable(one.colour ?? at)) + (faint ? '55' : ''),
    width: faint ? 1 : 1.75,
    dash: dashes(one.colour ?? at),
    spanGaps: false,
    points: { show: faint ? false : isSparse }
  });
  return {
    width: Math.max(40, Math.floor(node.clientWidth)),
    height,
    legend: { show: false },
    scales: {
      x: { time, range: (_, low, high) => widened(low, high, time) },
      y: log
        ? { distr: 3 }
        : { range: (_, low, high) => withRoom(low, high, from) }
    },
    axes: [
      {
        ...look,
        size: time ? 42 : 28, // of a time, the date is below
        ...(time
          ? {}
          : { values: (_, splits) => splits.map(one => axisNumber(one)) })
      },
      {
        ...look,
        size: (_, values) => 14 + 6.4 * longest(values),
        values: (_, splits) =>
          splits.map(one => (latest.current.formatY ?? axisNumber)(one))
      }
    ],
    series: [
      {},
      ...series.map((one, at) => line(one, at, false)),
      ...(smoothing ? series.map((one, at) => line(one, at, true)) : [])
    ],
    cursor: {
      y: false,
      drag: { x: true, y: false, dist: 4 },
      points: { size: 6 },
      ...(together ? { sync: { key: together, setSeries: false } } : {})
    },
    hooks: {
      setCursor: [made => tell(readings(made, latest.current))]
    }
  };
}

/** Whether a line has so few points that each is marked. */
const isSparse: uPlot.Series.Points.Show = (made, _, from, to) =>
  (to - from) * 12 < made.width;

/** The range of the axis below: around a single point, a minute or two steps. */
function widened(low: number, high: number, time: boolean): uPlot.Range.MinMax {
  const room = low === high ? (time ? 30 : 1) : 0;
  return [low - room, high + room];
}

/** The range of an axis with some air; a flat line lies in the middle. */
function withRoom(
  low: number | null,
  high: number | null,
  from: number | undefined
): uPlot.Range.MinMax {
  if (low === null || high === null) {
    return [from ?? 0, (from ?? 0) + 1];
  }
  const least = from === undefined ? low : Math.min(from, low);
  const room =
    high > least
      ? (high - least) * 0.06
      : Math.abs(high) * 0.1 || (from === undefined ? 0.5 : 1);
  return [
    from !== undefined && least >= from ? from : least - room,
    high + room
  ];
}

function longest(values: string[] | null): number {
  return Math.max(3, ...(values ?? []).map(one => one?.length ?? 0));
}

function isZoomed(made: uPlot): boolean {
  const x = made.data[0];
  const { min, max } = made.scales['x'] ?? {};
  return (
    x.length > 1 &&
    min !== undefined &&
    max !== undefined &&
    min !== null &&
    max !== null &&
    (min > (x[0] ?? min) || max < (x[x.length - 1] ?? max))
  );
}

/** Move the pointer's place by some points. */
function step(made: uPlot, by: number): void {
  const x = made.data[0];
  const at = made.cursor.idx ?? (by > 0 ? -1 : x.length);
  const next = Math.max(0, Math.min(x.length - 1, at + by));
  const place = x[next];
  if (place !== undefined) {
    made.setCursor({
      left: made.valToPos(place, 'x'),
      top: made.over.clientHeight / 2
    });
  }
}
