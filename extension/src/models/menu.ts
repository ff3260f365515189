/** What can be done with models from the panel. */

import type { IEntry } from '../panel/list';
import type { ModelSummary } from '../records';
import { trans } from '../translation';

export const entries: IEntry<'models'>[] = [
  {
    id: 'insert-load',
    label: () => trans.__('Insert Code That Loads It'),
    perform: ({ row, actions }) =>
      actions.insert(`import mlnb\nmodel = mlnb.models.load("${ref(row)}")`)
  },
  {
    id: 'insert-show',
    label: ({ row }) => `%model show ${row.name}`,
    perform: ({ row, actions }) => actions.insert(`%model show ${row.name}`)
  },
  {
    id: 'insert-deploy',
    label: ({ row }) => `%deploy ${ref(row)} --to …`,
    perform: ({ row, actions }) =>
      actions.insert(`%deploy ${ref(row)} --to my-endpoint`)
  },
  {
    id: 'lineage',
    label: () => trans.__('Show Lineage'),
    perform: ({ row, actions }) =>
      actions.openDocument('lineage', `model:${ref(row)}`)
  }
];

function ref({ name, number }: ModelSummary): string {
  return `${name}@${number}`;
}
