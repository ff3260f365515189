import React from 'react';

import type { IList } from '../panel/list';
import { Ago, Badge } from '../panel/parts';
import { Line } from '../panel/row';
import type { DatasetSummary } from '../records';
import { count, number, size } from '../text';
import { trans } from '../translation';
import { entries } from './menu';

function DatasetRow({ row: version }: { row: DatasetSummary }): JSX.Element {
  return (
    <Line
      title={version.name}
      tone="good"
      status={trans.__('version %1', version.number)}
      badges={
        <>
          <Badge tone="busy">{`v${version.number}`}</Badge>
          {version.tags.slice(0, 3).map(tag => (
            <Badge key={tag}>{tag}</Badge>
          ))}
        </>
      }
      aside={<Ago time={version.created} />}
      summary={[shape(version), version.message].filter(Boolean).join(' · ')}
    />
  );
}

function shape(version: DatasetSummary): string {
  switch (version.kind) {
    case 'table':
      return `${count(version.rows, 'row')} × ${number(version.columns)}`;
    case 'files':
      return `${count(version.rows, 'file')}, ${size(version.bytes)}`;
    case 'link':
      return trans.__('linked');
  }
}

export const datasets: IList<'datasets'> = {
  id: 'datasets',
  title: () => trans.__('Datasets'),
  empty: () => ({
    text: trans.__('Keep a data frame as a version that never changes:'),
    code: '%dataset save df my-data -m "first version"'
  }),
  key: version => version.name,
  name: version => `${version.name}@${version.number}`,
  document: version => ({ kind: 'dataset', id: version.name }),
  orders: () => [
    { order: 'name', label: trans.__('Name') },
    { order: '-created', label: trans.__('Newest first') },
    { order: '-rows', label: trans.__('Most rows first') },
    { order: '-bytes', label: trans.__('Largest first') }
  ],
  entries,
  Row: DatasetRow
};
