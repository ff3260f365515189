/** What of a column's profile is said in words. */

import type { ColumnProfile } from '../../records';
import { number } from '../../text';

type Scalar = number | string | boolean | null | undefined;

/** A value as it is read. */
export function valueText(value: Scalar): string {
  if (value === null || value === undefined) {
    return '';
  }
  return typeof value === 'number' ? number(value) : String(value);
}

/** A part of a whole in per cent; nothing for none. */
export function share(part: number, whole: number): string {
  if (!part || !whole) {
    return '';
  }
  const percent = (100 * part) / whole;
  return percent < 0.1 ? '<0.1%' : `${percent.toFixed(1)}%`;
}

/** How many values differ, marked when it is an estimate. */
export function distinct(column: ColumnProfile): string {
  if (column.distinct === null) {
    return '';
  }
  return column.estimated
    ? `≈ ${number(Number(column.distinct.toPrecision(2)))}`
    : number(column.distinct);
}

/** Lowest, middle and highest value, or the most common ones where there is no order. */
export function range(column: ColumnProfile): string {
  if (column.minimum !== null) {
    return [column.minimum, column.quantiles['0.5'], column.maximum]
      .map(valueText)
      .filter(Boolean)
      .join(' … ');
  }
  return column.top
    .slice(0, 3)
    .map(item => `${item.value} ×${number(item.count)}`)
    .join(', ');
}

/** Every figure of a column, by name. */
export function figures(column: ColumnProfile): [string, string][] {
  const quantiles = Object.entries(column.quantiles).map(
    ([place, value]): [string, string] => [
      `${Math.round(Number(place) * 100)}%`,
      valueText(value)
    ]
  );
  const all: [string, string][] = [
    ['minimum', valueText(column.minimum)],
    ...quantiles,
    ['maximum', valueText(column.maximum)],
    ['mean', valueText(column.mean)],
    ['deviation', valueText(column.deviation)]
  ];
  return all.filter(([, value]) => value);
}

/** A dataset's name as a Python name. */
export function variable(name: string): string {
  const text = name.replace(/[^A-Za-z0-9_]/g, '_');
  return /^[0-9]/.test(text) ? `_${text}` : text;
}

/** How a missing value is written, in every language. */
export const NULL = 'null';
