/** Where the bars of a time line stand: arithmetic without a browser. */

import type { StepProgress } from '../../records';

const ROUND = [
  0.1, 0.2, 0.5, 1, 2, 5, 10, 15, 30, 60, 120, 300, 600, 900, 1800, 3600, 7200,
  21600, 86400
];
const MARKS = 6;

export interface IBar {
  name: string;
  /** Per cent of the axis. */
  left: number;
  width: number;
}

export interface IMark {
  left: number;
  label: string;
}

export interface ITiming {
  bars: IBar[];
  marks: IMark[];
}

/** Bars of the steps that started, in the order in which they did. */
export function timing(
  steps: StepProgress[],
  started: string,
  now: number
): ITiming {
  const spans = steps
    .filter(step => step.started)
    .map(step => ({
      name: step.name,
      from: Date.parse(step.started!),
      to: step.ended ? Date.parse(step.ended) : now
    }));
  if (!spans.length) {
    return { bars: [], marks: [] };
  }
  // a run that was resumed a day later would otherwise be a line of gaps
  const begin = Math.min(
    ...spans.map(span => span.from),
    Math.max(Date.parse(started), Math.min(...spans.map(s => s.from)) - 60_000)
  );
  const whole = Math.max(...spans.map(span => span.to), begin + 1) - begin;
  const share = (milliseconds: number): number => (100 * milliseconds) / whole;
  const bars = spans
    .sort((a, b) => a.from - b.from)
    .map(({ name, from, to }) => ({
      name,
      left: share(from - begin),
      width: share(Math.max(0, to - from))
    }));
  return { bars, marks: marks(whole / 1000) };
}

function marks(whole: number): IMark[] {
  const step =
    ROUND.find(size => whole / size <= MARKS) ??
    86400 * Math.ceil(whole / 86400 / MARKS);
  const found: IMark[] = [];
  for (let at = 0; at <= whole * 0.97; at += step) {
    found.push({ left: (100 * at) / whole, label: axisLabel(at) });
  }
  return found;
}

/** `0`, `1.5 s`, `2 min`, `1:30 min`, `3 h`. */
export function axisLabel(seconds: number): string {
  if (seconds < 60) {
    return seconds ? `${Number(seconds.toPrecision(3))} s` : '0';
  }
  const minutes = Math.floor(seconds / 60);
  const rest = Math.round(seconds % 60);
  if (rest) {
    return `${minutes}:${String(rest).padStart(2, '0')} min`;
  }
  return minutes % 60 ? `${minutes} min` : `${minutes / 60} h`;
}
