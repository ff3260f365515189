/** One run of a pipeline, live. */

import {
  Button,
  fileIcon,
  refreshIcon,
  runIcon,
  stopIcon
} from '@jupyterlab/ui-components';
import React, { useEffect, useRef, useState } from 'react';

import { useNow } from '../../panel/context';
import { Ago, Facts, FileLink, ProblemBox, Values } from '../../panel/parts';
import { done } from '../../pipelines/progress';
import type {
  PipelineDocument,
  PipelineProgress,
  Problem
} from '../../records';
import { duration } from '../../text';
import { trans } from '../../translation';
import { useAnswer } from '../answer';
import { useDocument } from '../context';
import { ActionButton } from '../parts/action';
import { Card, Frame, Waiting } from '../parts/frame';
import { Dag } from './dag';
import { Failure } from './failure';
import { Gantt } from './gantt';
import { History } from './history';
import { shown } from './lines';
import { useLive } from './live';
import { Report } from './report';
import { askToRun } from './running';
import { StepCard } from './step';
import { Steps } from './steps';
import { stateOf } from './words';

/** Milliseconds between two looks at a run of which only the store tells. */
const LOOK_EVERY = 3000;
/** With more steps than this, the graph is given more room. */
const MANY = 12;

export function RunView({ id }: { id: string }): JSX.Element {
  const { setTitle } = useDocument();
  const [far, setFar] = useState(false);
  const known = useRef<PipelineProgress | null>(null);
  const others = useRef(new Map<string, string>());
  const { data, problem } = useAnswer(
    'GET /pipelines/{run}',
    { run: id },
    {
      every: far ? LOOK_EVERY : null,
      when: change =>
        change.pipelines.some(run =>
          run.id === id
            ? settled(run, known.current)
            : run.pipeline === known.current?.pipeline &&
              others.current.get(run.id) !== run.status
        )
    }
  );
  known.current = data?.run ?? null;
  others.current = new Map(data?.earlier.map(run => [run.id, run.status]));
  const run = useLive(id, data?.run ?? null);
  const elsewhere = data?.told_by === 'store' && data.run.status === 'RUNNING';
  useEffect(() => setFar(elsewhere), [elsewhere]);
  const name = run?.pipeline;
  useEffect(() => {
    if (name) {
      setTitle(name);
    }
  }, [name, setTitle]);
  return run && data ? (
    <Shown document={data} run={run} problem={problem} />
  ) : (
    <Waiting problem={problem} />
  );
}

/** Whether a step has ended or begun since: then more than the progress has changed. */
function settled(
  pushed: PipelineProgress,
  known: PipelineProgress | null
): boolean {
  if (!known || pushed.status !== known.status) {
    return true;
  }
  const before = new Map(known.steps.map(step => [step.name, step.status]));
  return pushed.steps.some(
    step =>
      before.get(step.name) !== step.status &&
      !['RUNNING', 'PENDING'].includes(step.status)
  );
}

function Shown({
  document,
  run,
  problem
}: {
  document: PipelineDocument;
  run: PipelineProgress;
  problem: Problem | null;
}): JSX.Element {
  const { actions } = useDocument();
  const running = run.status === 'RUNNING';
  const now = useNow(running ? 1000 : null);
  const [chosen, setChosen] = useState<string | null>(null);
  const [report, setReport] = useState(false);
  if (report) {
    return <Report run={run} onBack={() => setReport(false)} />;
  }
  const steps = run.steps;
  const selected = chosen ?? interesting(run, document);
  const step = steps.find(item => item.name === selected);
  const details = new Map(document.details.map(item => [item.name, item]));
  const openStep = (name: string): void => actions.openExecuted(run.id, name);
  const { failure } = document;
  return (
    <Frame
      kind={trans.__('Pipeline run')}
      title={run.pipeline}
      status={stateOf(run.status)}
      summary={<Summary run={run} document={document} now={now} />}
      actions={
        <RunActions
          run={run}
          document={document}
          onReport={() => setReport(true)}
        />
      }
      problem={problem}
    >
      {failure && (
        <Failure
          failure={failure}
          failures={document.failures}
          canOpen={details.get(failure.step)?.executed ?? false}
          onOpen={() => openStep(failure.step)}
          onSelect={() => setChosen(failure.step)}
        />
      )}
      {!failure && run.error && run.status !== 'FINISHED' && (
        <div className="mlnb-Across">
          <ProblemBox problem={{ error: 'Run', message: run.error, fix: '' }} />
        </div>
      )}
      {steps.length > 1 && (
        <Card title={trans.__('Steps')} wide aside={<Whole run={run} />}>
          <div className={steps.length > MANY ? 'mlnb-Dag mlnb-mod-tall' : ''}>
            <Dag
              steps={steps}
              now={now}
              selected={selected}
              onSelect={setChosen}
              onOpen={setChosen}
            />
          </div>
        </Card>
      )}
      {step && (
        <StepCard
          run={run.id}
          path={document.path}
          step={step}
          detail={details.get(step.name)}
          onOpen={() => openStep(step.name)}
        />
      )}
      <Card title={trans.__('Every step')}>
        <Steps
          steps={steps}
          now={now}
          selected={selected}
          onSelect={setChosen}
        />
      </Card>
      <Card title={trans.__('Time')}>
        <Gantt run={run} now={now} selected={selected} onSelect={setChosen} />
      </Card>
      <Card title={trans.__('Run')}>
        <RunFacts run={run} document={document} />
      </Card>
      {document.earlier.length > 0 && (
        <Card title={trans.__('Other runs')}>
          <History runs={document.earlier} />
        </Card>
      )}
    </Frame>
  );
}

/** What to show first: what failed, else what runs, else nothing that needs words. */
function interesting(
  run: PipelineProgress,
  document: PipelineDocument
): string | null {
  const failed = run.steps.find(step => step.status === 'FAILED');
  const running = run.steps.find(step => step.status === 'RUNNING');
  return (
    document.failure?.step ??
    failed?.name ??
    running?.name ??
    run.steps.at(-1)?.name ??
    null
  );
}

function Summary({
  run,
  document,
  now
}: {
  run: PipelineProgress;
  document: PipelineDocument;
  now: number;
}): JSX.Element {
  const running = run.status === 'RUNNING';
  const steps = trans.__('%1 of %2 steps', done(run), run.steps.length);
  const took = duration(run.started, run.ended, now);
  const words = running
    ? trans.__('running for %1', took)
    : trans.__('took %1', took);
  return (
    <>
      {stateOf(run.status).label} · {steps} · {words} ·{' '}
      <Ago time={run.started} />
      {document.author && ` · ${document.author}`}
      {document.told_by === 'store' &&
        ` · ${trans.__('told by the object store')}`}
    </>
  );
}

function Whole({ run }: { run: PipelineProgress }): JSX.Element | null {
  const ended = done(run);
  const percent = run.steps.length
    ? Math.round((100 * ended) / run.steps.length)
    : 0;
  return run.status === 'RUNNING' ? (
    <span
      className="mlnb-Progress-bar mlnb-mod-busy mlnb-Whole"
      role="progressbar"
      aria-label={trans.__('Steps that have ended')}
      aria-valuemin={0}
      aria-valuemax={100}
      aria-valuenow={percent}
    >
      <span style={{ width: `${percent}%` }} />
    </span>
  ) : null;
}

function RunActions({
  run,
  document,
  onReport
}: {
  run: PipelineProgress;
  document: PipelineDocument;
  onReport: () => void;
}): JSX.Element {
  const { api, folder, open } = useDocument();
  const { path } = document;
  if (run.status === 'RUNNING') {
    return (
      <ActionButton
        label={trans.__('Cancel')}
        icon={stopIcon}
        line={`%pipeline cancel ${run.id}`}
        background
        danger
      />
    );
  }
  return (
    <>
      {run.status !== 'FINISHED' && (
        <ActionButton
          label={trans.__('Resume')}
          icon={runIcon}
          line={`%pipeline resume ${run.id}`}
          background
        />
      )}
      {path && (
        <ActionButton
          label={trans.__('Run again…')}
          icon={refreshIcon}
          example={`%pipeline run ${path}`}
          line={() => askToRun(api, folder, path, run.parameters)}
          background
        />
      )}
      {path && (
        <Button
          minimal
          small
          className="mlnb-Action"
          title={path}
          onClick={() => open('pipeline', `file:${path}`)}
        >
          <fileIcon.react tag="span" />
          {trans.__('Pipeline')}
        </Button>
      )}
      {run.report && (
        <Button
          minimal
          small
          className="mlnb-Action"
          title={trans.__('Show the HTML report of this run')}
          onClick={onReport}
        >
          {trans.__('Report')}
        </Button>
      )}
    </>
  );
}

function RunFacts({
  run,
  document
}: {
  run: PipelineProgress;
  document: PipelineDocument;
}): JSX.Element {
  const facts: [string, React.ReactNode][] = [
    [trans.__('run'), run.id],
    [
      trans.__('file'),
      document.path && <FileLink key="f" path={document.path} />
    ],
    [trans.__('asked for'), document.asked],
    [trans.__('workers'), run.workers || ''],
    [
      trans.__('machine'),
      run.driver ? `${run.driver.host} (${run.driver.pid})` : ''
    ]
  ];
  return (
    <>
      <Facts facts={facts} />
      <Values
        title={trans.__('Parameters')}
        values={Object.fromEntries(
          Object.entries(run.parameters).map(([name, value]) => [
            name,
            shown(value)
          ])
        )}
      />
    </>
  );
}
