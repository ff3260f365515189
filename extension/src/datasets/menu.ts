/** What can be done with datasets from the panel. */

import type { IEntry } from '../panel/list';
import type { DatasetSummary } from '../records';
import { trans } from '../translation';

export const entries: IEntry<'datasets'>[] = [
  {
    id: 'insert-load',
    label: ({ row }) => load(row),
    perform: ({ row, actions }) => actions.insert(load(row))
  },
  {
    id: 'insert-log',
    label: ({ row }) => `%dataset log ${row.name}`,
    perform: ({ row, actions }) => actions.insert(`%dataset log ${row.name}`)
  },
  {
    id: 'lineage',
    label: () => trans.__('Show Lineage'),
    perform: ({ row, actions }) =>
      actions.openDocument('lineage', `dataset:${row.name}@${row.number}`)
  }
];

/** The line that loads a version. */
export function load({ name, number }: DatasetSummary): string {
  return `%dataset load ${name}@${number} --into ${variable(name)}`;
}

/** A dataset's name as a Python name. */
function variable(name: string): string {
  const word = name.replace(/[^A-Za-z0-9_]/g, '_');
  return /^[0-9]/.test(word) ? `_${word}` : word;
}
