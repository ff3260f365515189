import React from 'react';

import type { IList } from '../panel/list';
import { Ago } from '../panel/parts';
import { Line } from '../panel/row';
import { statusWord, toneOf } from '../panel/status';
import type { RunSummary } from '../records';
import { duration, number } from '../text';
import { trans } from '../translation';
import { entries } from './menu';

function RunRow({ row: run }: { row: RunSummary }): JSX.Element {
  return (
    <Line
      title={run.name}
      tone={toneOf(run.status)}
      status={statusWord(run.status)}
      aside={<Ago time={run.started} />}
      summary={run.error || summary(run)}
    />
  );
}

function summary(run: RunSummary): string {
  const metrics = Object.entries(run.metrics)
    .map(([name, value]) => `${name} ${number(value)}`)
    .join(' · ');
  if (metrics) {
    return metrics;
  }
  return run.ended
    ? trans.__('took %1', duration(run.started, run.ended))
    : run.notebook;
}

export const runs: IList<'runs'> = {
  id: 'runs',
  title: () => trans.__('Runs'),
  empty: () => ({
    text: trans.__(
      'After %load_ext mlnb, put this on top of a cell to record what it does:'
    ),
    code: '%%track my-first-run'
  }),
  key: run => run.id,
  name: run => run.name,
  document: run => ({ kind: 'run', id: run.id }),
  multiple: true,
  orders: metrics => [
    { order: '-started', label: trans.__('Newest first') },
    { order: 'started', label: trans.__('Oldest first') },
    { order: 'name', label: trans.__('Name') },
    { order: 'status', label: trans.__('Status') },
    { order: '-duration', label: trans.__('Longest first') },
    ...metrics.flatMap(name => [
      {
        order: `-metrics.${name}`,
        label: trans.__('%1, highest first', name)
      },
      { order: `metrics.${name}`, label: trans.__('%1, lowest first', name) }
    ])
  ],
  entries,
  Row: RunRow
};
