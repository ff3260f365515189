import React from 'react';

import { useNow } from '../panel/context';
import type { IList } from '../panel/list';
import { Ago, Dot, Facts, FileLink } from '../panel/parts';
import { Row } from '../panel/row';
import { toneOf } from '../panel/status';
import type { PipelineProgress, StepProgress } from '../records';
import { count, duration } from '../text';
import { cells, done, fraction, runningSteps } from './progress';

function PipelineRow({
  record: run
}: {
  record: PipelineProgress;
}): JSX.Element {
  const running = run.status === 'RUNNING';
  const now = useNow(running ? 1000 : null);
  return (
    <Row
      title={run.pipeline}
      tone={toneOf(run.status)}
      status={run.status.toLowerCase()}
      aside={
        running ? (
          duration(run.started, null, now)
        ) : (
          <Ago time={run.ended ?? run.started} />
        )
      }
      summary={<Summary run={run} />}
      below={running && <Bar run={run} />}
    >
      {() => (
        <>
          <Steps steps={run.steps} now={now} />
          <Facts
            facts={[
              ['run', run.id],
              ['took', run.ended ? duration(run.started, run.ended) : ''],
              ['error', run.error]
            ]}
          />
        </>
      )}
    </Row>
  );
}

function Summary({ run }: { run: PipelineProgress }): JSX.Element {
  const steps = `${done(run)} of ${count(run.steps.length, 'step')}`;
  if (run.status === 'RUNNING') {
    const current = runningSteps(run)
      .map(step => `${step.name} · ${cells(step)}`)
      .join(', ');
    return <>{current || `${steps} done`}</>;
  }
  const failed = run.steps.find(step => step.status === 'FAILED');
  return <>{failed ? `${failed.name} failed: ${failed.error}` : steps}</>;
}

function Bar({ run }: { run: PipelineProgress }): JSX.Element {
  const percent = Math.round(100 * fraction(run));
  return (
    <div
      className="mlnb-Bar"
      role="progressbar"
      aria-label={`${run.pipeline}: ${done(run)} of ${run.steps.length} steps`}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={percent}
    >
      <span style={{ width: `${percent}%` }} />
    </div>
  );
}

function Steps({
  steps,
  now
}: {
  steps: StepProgress[];
  now: number;
}): JSX.Element {
  return (
    <ol className="mlnb-Steps">
      {steps.map(step => (
        <li key={step.name}>
          <Dot tone={toneOf(step.status)} label={step.status.toLowerCase()} />
          <span className="mlnb-Steps-name">
            {step.name}
            {step.error && <span className="mlnb-Error">{step.error}</span>}
          </span>
          <span className="mlnb-Steps-aside">
            {step.status === 'RUNNING' && cells(step)}{' '}
            {step.started && duration(step.started, step.ended, now)}
          </span>
          {step.status === 'FAILED' && <FileLink path={step.notebook} />}
        </li>
      ))}
    </ol>
  );
}

export const pipelines: IList<'pipelines'> = {
  id: 'pipelines',
  title: 'Pipelines',
  empty: {
    text: 'Run notebooks as the steps of a pipeline, in a terminal:',
    code: 'mlnb run pipeline.yaml',
    notebook: false
  },
  key: run => run.id,
  words: run => [
    run.pipeline,
    run.id,
    run.status,
    ...run.steps.map(step => step.name)
  ],
  Row: PipelineRow
};
