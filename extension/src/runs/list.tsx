import React from 'react';

import type { IList } from '../panel/list';
import { Ago, Facts, FileLink, Values } from '../panel/parts';
import { Row } from '../panel/row';
import { toneOf } from '../panel/status';
import type { RunRecord } from '../records';
import { duration, number } from '../text';

function RunRow({ record: run }: { record: RunRecord }): JSX.Element {
  return (
    <Row
      title={run.name}
      tone={toneOf(run.status)}
      status={run.status.toLowerCase()}
      aside={<Ago time={run.started} />}
      summary={run.error ? firstLine(run.error) : metricsLine(run.metrics)}
    >
      {() => (
        <>
          <Facts
            facts={[
              ['status', run.status.toLowerCase()],
              ['took', run.ended ? duration(run.started, run.ended) : ''],
              ['error', run.error],
              ['read', run.inputs.join(', ')],
              ['wrote', run.outputs.join(', ')],
              ['notebook', run.notebook && <FileLink path={run.notebook} />],
              ['experiment', run.experiment],
              ['commit', commit(run)],
              ['author', run.author],
              ['id', run.id]
            ]}
          />
          <Values title="Metrics" values={asText(run.metrics)} />
          <Values title="Parameters" values={run.params} />
        </>
      )}
    </Row>
  );
}

function metricsLine(metrics: RunRecord['metrics']): string {
  return Object.keys(metrics)
    .sort()
    .slice(0, 3)
    .map(name => `${name} ${number(metrics[name] ?? null)}`)
    .join(' · ');
}

function asText(metrics: RunRecord['metrics']): { [name: string]: string } {
  return Object.fromEntries(
    Object.entries(metrics).map(([name, value]) => [name, number(value)])
  );
}

function commit(run: RunRecord): string {
  const short = run.git_commit.slice(0, 8);
  return short && run.git_dirty ? `${short} with uncommitted changes` : short;
}

function firstLine(text: string): string {
  return text.trim().split('\n')[0] ?? '';
}

export const runs: IList<'runs'> = {
  id: 'runs',
  title: 'Runs',
  empty: {
    text: 'After %load_ext mlnb, put this on top of a cell to record what it does:',
    code: '%%track my-first-run'
  },
  key: run => run.id,
  words: run => [
    run.name,
    run.status,
    run.experiment,
    run.notebook,
    ...run.inputs,
    ...run.outputs,
    ...Object.entries(run.params).map(([name, value]) => `${name}=${value}`),
    ...Object.keys(run.metrics)
  ],
  Row: RunRow
};
