/** What can be done with endpoints from the panel. */

import { ask } from '../documents/parts/ask';
import type { IEntry } from '../panel/list';
import { trans } from '../translation';

export const entries: IEntry<'endpoints'>[] = [
  {
    id: 'copy-address',
    label: () => trans.__('Copy Address'),
    fits: ({ row }) => row.url !== '',
    perform: ({ row, actions }) => actions.copy(row.url)
  },
  {
    id: 'insert-predict',
    label: () => trans.__('Insert Code That Asks It'),
    perform: ({ row, actions }) =>
      actions.insert(
        `import mlnb\nmlnb.serving.endpoint("${row.name}").predict(X)`
      )
  },
  {
    id: 'lineage',
    label: () => trans.__('Show Lineage'),
    perform: ({ row, actions }) =>
      actions.openDocument('lineage', `endpoint:${row.name}`)
  },
  {
    id: 'stop',
    label: () => trans.__('Stop…'),
    fits: ({ row }) => row.status === 'running' || row.status === 'starting',
    perform: async ({ row, actions }) => {
      const agreed = await ask({
        title: trans.__('Stop %1?', row.name),
        text: trans.__('Its callers will get no answers until it is started.'),
        fields: [],
        accept: trans.__('Stop'),
        danger: true
      });
      if (agreed) {
        actions.perform(`%endpoint stop ${row.name}`);
      }
    }
  }
];
