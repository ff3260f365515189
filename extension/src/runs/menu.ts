/** What can be done with runs from the panel. */

import type { IEntry } from '../panel/list';
import { trans } from '../translation';

const SHORT = 12;

export const entries: IEntry<'runs'>[] = [
  {
    id: 'compare',
    label: ({ selected }) =>
      trans._n('Compare %1 Run', 'Compare %1 Runs', selected.length),
    fits: ({ selected }) => selected.length > 1,
    perform: ({ selected, actions }) =>
      actions.openDocument('compare', selected.join(','))
  },
  {
    id: 'copy-id',
    label: () => trans.__('Copy Id'),
    perform: ({ row, actions }) => actions.copy(row.id)
  },
  {
    id: 'insert-show',
    label: ({ row }) => `%runs show ${row.id.slice(0, SHORT)}`,
    perform: ({ row, actions }) =>
      actions.insert(`%runs show ${row.id.slice(0, SHORT)}`)
  },
  {
    id: 'lineage',
    label: () => trans.__('Show Lineage'),
    perform: ({ row, actions }) =>
      actions.openDocument('lineage', `run:${row.id}`)
  }
];
