/** Numbers, sizes, times and durations as a person reads them. */

import { Time } from '@jupyterlab/coreutils';

/** `1,234`; `0.8132` with four significant digits; JSON has null for what is no number. */
export function number(value: number | null): string {
  if (value === null || !Number.isFinite(value)) {
    return 'n/a';
  }
  return Number.isInteger(value)
    ? value.toLocaleString('en')
    : String(Number(value.toPrecision(4)));
}

/** `12 kB`. */
export function size(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'];
  let value = bytes;
  let unit = 0;
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000;
    unit++;
  }
  return `${value < 10 && unit > 0 ? value.toFixed(1) : Math.round(value)} ${units[unit]}`;
}

/** `just now`, `5 min. ago`, `yesterday`. */
export function ago(time: string, now: number = Date.now()): string {
  const seconds = (now - Date.parse(time)) / 1000;
  return seconds < 60 ? 'just now' : Time.formatHuman(time, 'short');
}

/** `3 s`, `2 min 5 s`, `1 h 3 min`. */
export function duration(
  start: string,
  end: string | null,
  now: number = Date.now()
): string {
  const milliseconds = (end ? Date.parse(end) : now) - Date.parse(start);
  const seconds = Math.max(0, Math.round(milliseconds / 1000));
  if (seconds < 60) {
    return `${seconds} s`;
  }
  const minutes = Math.floor(seconds / 60);
  if (minutes < 60) {
    return `${minutes} min ${seconds % 60} s`;
  }
  return `${Math.floor(minutes / 60)} h ${minutes % 60} min`;
}

/** `1 cell`, `2 cells`. */
export function count(amount: number, noun: string): string {
  return `${number(amount)} ${noun}${amount === 1 ? '' : 's'}`;
}
