/** The card of a pipeline run: its steps, and what failed first. */

import React from 'react';

import { Dot } from '../panel/parts';
import { toneOf } from '../panel/status';
import type {
  PipelineReading,
  PipelineRun,
  StepFailure,
  StepResult
} from '../records';
import { duration, number } from '../text';
import { trans } from '../translation';
import { Card, Failure, Grid, More, Pairs, Part, shortened } from './card';
import { moment } from './moment';

export function PipelineCard({
  record: run
}: {
  record: PipelineRun | PipelineReading;
}): JSX.Element {
  const failure = 'first_failure' in run ? run.first_failure : null;
  const given = Object.entries(run.parameters);
  return (
    <Card
      kind={trans.__('Pipeline run')}
      title={run.pipeline}
      tone={toneOf(run.status)}
      status={run.status.toLowerCase()}
      document={['pipeline', run.id]}
      facts={[
        [trans.__('run'), run.id],
        [trans.__('started'), moment(run.started)],
        [trans.__('took'), run.ended && duration(run.started, run.ended)],
        [trans.__('report'), run.report]
      ]}
    >
      {!failure && <Failure text={run.error} />}
      {given.length > 0 && (
        <Part title={trans.__('Parameters')}>
          <Pairs
            pairs={Object.fromEntries(
              given.map(([name, value]) => [name, shown(value)])
            )}
          />
        </Part>
      )}
      <Grid
        label={trans.__('Steps')}
        columns={[
          { label: trans.__('step') },
          { label: trans.__('state') },
          { label: trans.__('cells'), number: true },
          { label: trans.__('time'), number: true },
          { label: trans.__('values or reason') }
        ]}
      >
        {run.steps.map(step => (
          <tr key={step.name}>
            <th scope="row" title={step.notebook}>
              {step.name}
            </th>
            <td>
              <span className="mlnb-Result-state">
                <Dot
                  tone={step.cached_from ? 'idle' : toneOf(step.status)}
                  label=""
                />
                {step.cached_from
                  ? trans.__('fresh')
                  : step.status.toLowerCase()}
              </span>
            </td>
            <td className="mlnb-mod-number">
              {step.started &&
                `${number(step.cells_done)}/${number(step.cells)}`}
            </td>
            <td className="mlnb-mod-number">
              {step.started &&
                step.ended &&
                !step.cached_from &&
                duration(step.started, step.ended)}
            </td>
            <td className="mlnb-mod-dim">{reason(step)}</td>
          </tr>
        ))}
      </Grid>
      <More place="steps" shown={run.steps.length} />
      {failure && <First failure={failure} />}
    </Card>
  );
}

function First({ failure }: { failure: StepFailure }): JSX.Element {
  const where = failure.cell
    ? trans.__('%1, cell %2', failure.step, failure.cell)
    : failure.step;
  return (
    <Part title={trans.__('What failed first')} aside={where}>
      {failure.source && (
        <pre className="mlnb-Result-code">{failure.source}</pre>
      )}
      <Failure text={failure.traceback || failure.error} />
    </Part>
  );
}

function shown(value: unknown): string {
  return typeof value === 'string' ? value : (JSON.stringify(value) ?? '');
}

function reason(step: StepResult): string {
  if (step.error) {
    return step.error.split('\n', 1)[0] ?? '';
  }
  if (step.cached_from) {
    return step.why;
  }
  const values = Object.entries(step.values).map(
    ([name, value]) => `${name}=${shortened(shown(value), 60)}`
  );
  return values.join(', ');
}
