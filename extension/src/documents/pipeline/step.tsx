/** One step of a run: its state, why, what it was given and made, what it says. */

import { Button, notebookIcon, runIcon } from '@jupyterlab/ui-components';
import React from 'react';

import { useNow } from '../../panel/context';
import { Ago, Facts, FileLink, Values } from '../../panel/parts';
import type { StepDetail, StepProgress } from '../../records';
import { count, duration } from '../../text';
import { trans } from '../../translation';
import { useAnswer } from '../answer';
import { useDocument } from '../context';
import { ActionButton } from '../parts/action';
import { word } from '../parts/ask';
import { Card } from '../parts/frame';
import { Log } from '../parts/log';
import { shown } from './lines';
import { Progress } from './progress-bar';
import { stepState } from './words';

export interface IStepCardProps {
  run: string;
  /** Pipeline file. */
  path: string;
  step: StepProgress;
  detail: StepDetail | undefined;
  onOpen: () => void;
}

export function StepCard(props: IStepCardProps): JSX.Element {
  const { step, detail, path } = props;
  const state = stepState(step);
  const running = step.status === 'RUNNING';
  const now = useNow(running ? 1000 : null);
  return (
    <Card
      title={trans.__('Step %1', step.name)}
      wide
      aside={
        <div className="mlnb-Step-actions">
          {(detail?.executed || running) && (
            <Button
              minimal
              small
              className="mlnb-Action"
              title={trans.__('Open the notebook as it was executed')}
              onClick={props.onOpen}
            >
              <notebookIcon.react tag="span" />
              {step.status === 'FAILED'
                ? trans.__('Open at the failing cell')
                : trans.__('Open executed notebook')}
            </Button>
          )}
          {path && (
            <ActionButton
              label={trans.__('Run again from here')}
              icon={runIcon}
              line={`%pipeline run ${word(path)} --from ${word(step.name)}`}
              background
              disabled={running}
            />
          )}
        </div>
      }
    >
      <div className="mlnb-Step">
        <div>
          <Facts
            facts={[
              [trans.__('state'), state.label],
              [trans.__('cells'), <Progress key="p" step={step} />],
              [
                trans.__('started'),
                step.started && <Ago key="a" time={step.started} />
              ],
              [
                trans.__('took'),
                step.started && duration(step.started, step.ended, now)
              ],
              [trans.__('attempt'), step.attempt > 1 ? step.attempt : ''],
              [trans.__('why'), step.why],
              [trans.__('error'), step.error],
              [
                trans.__('notebook'),
                step.notebook && <FileLink key="n" path={step.notebook} />
              ],
              [trans.__('needs'), step.needs.join(', ')],
              [
                trans.__('taken from'),
                step.cached_from && <FromRun key="c" id={step.cached_from} />
              ],
              [
                trans.__('tracked'),
                detail?.runs.length ? <Runs key="r" ids={detail.runs} /> : ''
              ],
              [trans.__('read'), refs(detail?.inputs)],
              [trans.__('made'), refs(detail?.outputs)]
            ]}
          />
          <Values
            title={trans.__('Parameters')}
            values={texts(detail?.parameters)}
          />
          <Values title={trans.__('Values')} values={texts(detail?.values)} />
        </div>
        <StepLog run={props.run} step={step} />
      </div>
    </Card>
  );
}

function StepLog({
  run,
  step
}: {
  run: string;
  step: StepProgress;
}): JSX.Element {
  const running = step.status === 'RUNNING';
  const { data, problem } = useAnswer(
    'GET /pipelines/{run}/log',
    { run, step: step.name },
    {
      every: running ? 2500 : null,
      when: change =>
        change.pipelines.some(
          item =>
            item.id === run &&
            item.steps.some(
              other => other.name === step.name && other.status !== step.status
            )
        )
    }
  );
  return (
    <div className="mlnb-Step-log">
      <h3>{trans.__('What it showed')}</h3>
      <Log
        key={step.name}
        text={data?.text ?? ''}
        label={trans.__('What step %1 showed', step.name)}
        empty={
          problem?.message ??
          (running
            ? trans.__('Nothing yet; what cells show appears within seconds.')
            : trans.__('It showed nothing.'))
        }
      />
    </div>
  );
}

function FromRun({ id }: { id: string }): JSX.Element | null {
  const { open } = useDocument();
  return id ? (
    <button
      type="button"
      className="mlnb-Link"
      onClick={() => open('pipeline', id)}
    >
      {id}
    </button>
  ) : null;
}

function Runs({ ids }: { ids: string[] }): JSX.Element | null {
  const { open } = useDocument();
  return ids.length ? (
    <span className="mlnb-Step-runs">
      {ids.slice(0, 8).map(id => (
        <button
          key={id}
          type="button"
          className="mlnb-Link"
          onClick={() => open('run', id)}
        >
          {id.slice(0, 8)}
        </button>
      ))}
      {ids.length > 8 && count(ids.length, 'run')}
    </span>
  ) : null;
}

function refs(found: { [name: string]: string } | undefined): string {
  return Object.entries(found ?? {})
    .map(([name, version]) =>
      name.startsWith('dataset:') ? version || name : name
    )
    .join('\n');
}

function texts(values: { [name: string]: unknown } | undefined): {
  [name: string]: string;
} {
  return Object.fromEntries(
    Object.entries(values ?? {}).map(([name, value]) => [name, shown(value)])
  );
}
