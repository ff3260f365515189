import React from 'react';

import { useNow } from '../panel/context';
import type { IList } from '../panel/list';
import { Ago } from '../panel/parts';
import { Line } from '../panel/row';
import { statusWord, toneOf } from '../panel/status';
import type { PipelineProgress } from '../records';
import { count, duration } from '../text';
import { trans } from '../translation';
import { entries } from './menu';
import { cells, done, fraction, runningSteps } from './progress';

function PipelineRow({ row: run }: { row: PipelineProgress }): JSX.Element {
  const running = run.status === 'RUNNING';
  const now = useNow(running ? 1000 : null);
  return (
    <Line
      title={run.pipeline}
      tone={toneOf(run.status)}
      status={statusWord(run.status)}
      aside={
        running ? (
          duration(run.started, null, now)
        ) : (
          <Ago time={run.ended ?? run.started} />
        )
      }
      summary={summary(run)}
      below={running && <Bar run={run} />}
    />
  );
}

function summary(run: PipelineProgress): string {
  const steps = trans.__(
    '%1 of %2',
    done(run),
    count(run.steps.length, 'step')
  );
  if (run.status === 'RUNNING') {
    const current = runningSteps(run)
      .map(step => `${step.name} · ${cells(step)}`)
      .join(', ');
    return current || steps;
  }
  const failed = run.steps.find(step => step.status === 'FAILED');
  return failed
    ? trans.__('%1 failed: %2', failed.name, failed.error)
    : run.error || steps;
}

function Bar({ run }: { run: PipelineProgress }): JSX.Element {
  const percent = Math.round(100 * fraction(run));
  return (
    <span
      className="mlnb-Bar"
      role="progressbar"
      aria-label={trans.__(
        '%1: %2 of %3',
        run.pipeline,
        done(run),
        count(run.steps.length, 'step')
      )}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={percent}
    >
      <span style={{ width: `${percent}%` }} />
    </span>
  );
}

export const pipelines: IList<'pipelines'> = {
  id: 'pipelines',
  title: () => trans.__('Pipelines'),
  empty: () => ({
    text: trans.__('Run notebooks as the steps of a pipeline, in a terminal:'),
    code: 'mlnb run pipeline.yaml',
    notebook: false
  }),
  key: run => run.id,
  name: run => run.id,
  document: run => ({ kind: 'pipeline', id: run.id }),
  orders: () => [
    { order: '-started', label: trans.__('Newest first') },
    { order: 'name', label: trans.__('Name') },
    { order: 'status', label: trans.__('Status') },
    { order: '-duration', label: trans.__('Longest first') }
  ],
  entries,
  Row: PipelineRow
};
