/** Runs as lines over axes of what differs; a part of an axis chooses the runs through it. */

import React, { useLayoutEffect, useRef, useState } from 'react';

import type { RunRecord } from '../../records';
import { trans } from '../../translation';
import { colourVariable, dashes } from '../parts/chart-data';
import type { Brush, IAxis } from './axes';
import { heightOf, marksOf, nameOf } from './axes';

const HEIGHT = 240;
const TOP = 42;
const BOTTOM = 14;
const LEAST = 110;
const SIDE = 60;
/** So near to an end of an axis, the end is meant. */
const SNAP = 0.02;

export interface IParallelProps {
  axes: IAxis[];
  runs: RunRecord[];
  brushes: { readonly [key: string]: Brush };
  /** Whether each run goes through all brushes. */
  chosen: boolean[];
  /** The run that is pointed at somewhere in the document. */
  lit: number | null;
  onBrush: (key: string, brush: Brush | null) => void;
  onLight: (run: number | null) => void;
}

export function Parallel(props: IParallelProps): JSX.Element {
  const { axes, runs, chosen, lit, onLight } = props;
  const box = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState(0);
  useLayoutEffect(() => {
    const node = box.current;
    if (!node) {
      return;
    }
    const sizes = new ResizeObserver(() => setWidth(node.clientWidth));
    sizes.observe(node);
    return () => sizes.disconnect();
  }, []);
  const gap = Math.max(
    LEAST,
    (width - 2 * SIDE) / Math.max(1, axes.length - 1)
  );
  const whole = Math.max(width, 2 * SIDE + gap * (axes.length - 1));
  const x = (place: number): number =>
    axes.length === 1 ? whole / 2 : SIDE + gap * place;
  const order = runs.map((_, run) => run);
  order.sort((one, other) => rank(one) - rank(other));
  function rank(run: number): number {
    return (run === lit ? 2 : 0) + (chosen[run] ? 1 : 0);
  }
  return (
    <div ref={box} className="mlnb-Parallel">
      <svg
        width={whole}
        height={TOP + HEIGHT + BOTTOM}
        role="group"
        aria-label={trans.__('Parallel coordinates of the runs')}
      >
        {order.map(run => (
          <path
            key={run}
            className={`mlnb-Parallel-run${chosen[run] ? '' : ' mlnb-mod-out'}${run === lit ? ' mlnb-mod-lit' : ''}`}
            d={pathOf(axes, run, x)}
            style={{ stroke: `var(${colourVariable(run)})` }}
            strokeDasharray={dashes(run).join(' ')}
            onPointerEnter={() => onLight(run)}
            onPointerLeave={() => onLight(null)}
          >
            <title>{runs[run]?.name}</title>
          </path>
        ))}
        {axes.map((axis, place) => (
          <Axis
            key={nameOf(axis)}
            axis={axis}
            x={x(place)}
            room={gap - 12}
            brush={props.brushes[nameOf(axis)] ?? null}
            onBrush={brush => props.onBrush(nameOf(axis), brush)}
          />
        ))}
      </svg>
    </div>
  );
}

/** A line through all axes on which the run has a place; it has gaps where not. */
function pathOf(
  axes: IAxis[],
  run: number,
  x: (place: number) => number
): string {
  let text = '';
  let drawing = false;
  axes.forEach((axis, place) => {
    const height = heightOf(axis, axis.values[run] ?? null);
    if (height === null) {
      drawing = false;
      return;
    }
    const next = axes[place + 1];
    const goes = next && heightOf(next, next.values[run] ?? null) !== null;
    const y = TOP + HEIGHT * (1 - height);
    text += `${drawing ? 'L' : 'M'}${x(place).toFixed(1)} ${y.toFixed(1)}`;
    if (!drawing && !goes) {
      text += 'h4h-8'; // between two gaps: a mark
    }
    drawing = true;
  });
  return text;
}

function Axis({
  axis,
  x,
  room,
  brush,
  onBrush
}: {
  axis: IAxis;
  x: number;
  room: number;
  brush: Brush | null;
  onBrush: (brush: Brush | null) => void;
}): JSX.Element {
  const from = useRef<number | null>(null);
  const heightAt = (event: React.PointerEvent<SVGRectElement>): number => {
    const box = event.currentTarget.getBoundingClientRect();
    const inner = event.clientY - box.top - 8;
    const height = 1 - inner / HEIGHT;
    return height < SNAP ? 0 : height > 1 - SNAP ? 1 : height;
  };
  const letters = Math.max(4, Math.floor(room / 7));
  return (
    <g
      className="mlnb-Parallel-axis"
      transform={`translate(${x.toFixed(1)} 0)`}
      tabIndex={0}
      role="group"
      aria-label={
        brush
          ? trans.__('%1: a part is chosen', axis.key)
          : trans.__('%1: all is chosen', axis.key)
      }
      onKeyDown={event => {
        const next = moved(event, brush);
        if (next !== undefined) {
          event.preventDefault();
          event.stopPropagation();
          onBrush(next);
        }
      }}
    >
      <text className="mlnb-Parallel-name" y={12}>
        {cut(axis.key, letters)}
        <title>{axis.key}</title>
      </text>
      <text className="mlnb-Parallel-kind" y={24}>
        {axis.log ? trans.__('%1, logarithmic', kindOf(axis)) : kindOf(axis)}
      </text>
      <line y1={TOP} y2={TOP + HEIGHT} />
      {marksOf(axis, 12).map(([text, height]) => (
        <text
          key={`${text} ${height}`}
          className="mlnb-Parallel-mark"
          x={6}
          y={TOP + HEIGHT * (1 - height) + 3.5}
        >
          {cut(text, letters)}
          <title>{text}</title>
        </text>
      ))}
      {brush && (
        <rect
          className="mlnb-Parallel-brush"
          x={-8}
          width={16}
          y={TOP + HEIGHT * (1 - brush[1])}
          height={Math.max(2, HEIGHT * (brush[1] - brush[0]))}
        />
      )}
      <rect
        className="mlnb-Parallel-handle"
        x={-14}
        width={28}
        y={TOP - 8}
        height={HEIGHT + 16}
        onPointerDown={event => {
          event.currentTarget.setPointerCapture(event.pointerId);
          from.current = heightAt(event);
        }}
        onPointerMove={event => {
          const start = from.current;
          const here = heightAt(event);
          if (start !== null && Math.abs(here - start) > 0.01) {
            onBrush([Math.min(start, here), Math.max(start, here)]);
          }
        }}
        onPointerUp={event => {
          const start = from.current;
          from.current = null;
          if (start !== null && Math.abs(heightAt(event) - start) <= 0.01) {
            onBrush(null);
          }
        }}
      >
        <title>
          {trans.__('Drag to choose runs, click to choose all again')}
        </title>
      </rect>
    </g>
  );
}

function kindOf(axis: IAxis): string {
  return axis.kind === 'metric' ? trans.__('metric') : trans.__('parameter');
}

/** Where the arrow keys move a brush to; undefined for keys that mean nothing. */
export function moved(
  event: { key: string; shiftKey: boolean },
  brush: Brush | null
): Brush | null | undefined {
  if (event.key === 'Escape') {
    return brush ? null : undefined;
  }
  const by = { ArrowUp: 0.05, ArrowDown: -0.05 }[event.key];
  if (!by) {
    return undefined;
  }
  if (!brush) {
    return by > 0 ? [0.75, 1] : [0, 0.25];
  }
  const [low, high] = brush;
  if (event.shiftKey) {
    return [low, Math.max(low + 0.05, Math.min(1, high + by))];
  }
  const shift = Math.max(-low, Math.min(1 - high, by));
  return [low + shift, high + shift];
}

function cut(text: string, most: number): string {
  return text.length <= most ? text : `${text.slice(0, most - 1)}…`;
}
