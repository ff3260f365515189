/** What can be done with pipeline runs from the panel. */

import type { IEntry } from '../panel/list';
import { trans } from '../translation';

export const entries: IEntry<'pipelines'>[] = [
  {
    id: 'insert-show',
    label: ({ row }) => `%pipeline show ${row.id}`,
    perform: ({ row, actions }) => actions.insert(`%pipeline show ${row.id}`)
  },
  {
    id: 'cancel',
    label: () => trans.__('Cancel'),
    fits: ({ row }) => row.status === 'RUNNING',
    perform: ({ row, actions }) => actions.perform(`%pipeline cancel ${row.id}`)
  },
  {
    id: 'resume',
    label: () => trans.__('Resume'),
    fits: ({ row }) => row.status === 'FAILED' || row.status === 'KILLED',
    perform: ({ row, actions }) => actions.perform(`%pipeline resume ${row.id}`)
  }
];
