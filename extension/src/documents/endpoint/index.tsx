import {
  addIcon,
  runIcon,
  stopIcon,
  undoIcon
} from '@jupyterlab/ui-components';
import React, { useEffect } from 'react';

import { endpointIcon } from '../../icons';
import type { Tone } from '../../panel/parts';
import { Ago } from '../../panel/parts';
import type {
  EndpointDocument,
  EndpointStatus,
  LivePoint,
  Problem
} from '../../records';
import { trans } from '../../translation';
import { useAnswer } from '../answer';
import { useDocument } from '../context';
import type { IDocumentKind } from '../kinds';
import { ActionButton } from '../parts/action';
import { word } from '../parts/ask';
import { Card, Frame, Waiting } from '../parts/frame';
import { LineageButton } from '../parts/lineage-button';
import { Asking, History, Log, Predictions } from './details';
import { Alerts, Drift } from './drift';
import { deployment, partOf, promotion, rollback, shift, stop } from './lines';
import { useLive } from './live';
import { Curves, Traffic } from './traffic';

const TONES: { readonly [status in EndpointStatus['status']]: Tone } = {
  running: 'good',
  starting: 'busy',
  stopped: 'idle',
  failed: 'bad'
};

function statusOf(status: EndpointStatus): { tone: Tone; label: string } {
  const label = {
    running: trans.__('running'),
    starting: trans.__('starting'),
    stopped: trans.__('stopped'),
    failed: trans.__('failed')
  }[status.status];
  return { tone: TONES[status.status], label };
}

function Document({ id }: { id: string }): JSX.Element {
  const context = useDocument();
  const { data, problem } = useAnswer(
    'GET /endpoints/{name}',
    { name: id },
    { sections: ['endpoints'] }
  );
  const live = useLive(id);
  useEffect(() => context.setTitle(id), [context, id]);
  if (!data) {
    return <Waiting problem={problem} />;
  }
  return (
    <Loaded
      document={data}
      status={live.status ?? data.status}
      points={live.points}
      problem={problem ?? live.problem}
    />
  );
}

function Loaded({
  document,
  status,
  points,
  problem
}: {
  document: EndpointDocument;
  status: EndpointStatus;
  points: LivePoint[];
  problem: Problem | null;
}): JSX.Element {
  const { name } = status;
  const serves = status.status === 'running' || status.status === 'starting';
  return (
    <Frame
      kind={trans.__('Endpoint')}
      title={name}
      status={statusOf(status)}
      summary={<Summary status={status} />}
      problem={problem}
      actions={<Actions document={document} status={status} />}
    >
      {status.detail && (
        <p className="mlnb-Endpoint-detail" role="status">
          {status.detail}
        </p>
      )}
      {serves && <Traffic status={status} points={points} />}
      {serves && points.length > 1 && <Curves points={points} />}
      {serves ? (
        document.curl && <Asking document={document} />
      ) : (
        <Card title={trans.__('Traffic')}>
          <p className="mlnb-Note">
            {trans.__('It does not run. Start it to see what it does:')}{' '}
            <code>{`%endpoint start ${word(name)}`}</code>
          </p>
        </Card>
      )}
      <Drift document={document} />
      <Alerts alerts={document.alerts} />
      <History history={document.history} entries={document.entries} />
      <Predictions name={name} />
      <Log name={name} />
    </Frame>
  );
}

function Summary({ status }: { status: EndpointStatus }): JSX.Element {
  return (
    <>
      {statusOf(status).label}
      {status.url && ` · ${status.url}`}
      {status.since && (
        <>
          {' · '}
          {trans.__('since')} <Ago time={status.since} />
        </>
      )}
    </>
  );
}

function Actions({
  document,
  status
}: {
  document: EndpointDocument;
  status: EndpointStatus;
}): JSX.Element {
  const { name } = status;
  const canary = partOf(status, 'canary');
  const tried = canary ?? partOf(status, 'shadow');
  const stopped = status.status === 'stopped';
  return (
    <>
      {canary && (
        <ActionButton
          label={trans.__('Shift…')}
          example={`%endpoint shift ${name} 50% --reason '…'`}
          line={() => shift(name, canary)}
        />
      )}
      {tried && (
        <ActionButton
          label={trans.__('Promote…')}
          example={`%endpoint promote ${name} --reason '…'`}
          line={() => promotion(name, tried)}
        />
      )}
      <ActionButton
        label={trans.__('Roll back…')}
        icon={undoIcon}
        example={`%endpoint rollback ${name} --reason '…'`}
        line={() => rollback(status, document.history)}
        disabled={document.history.length < 2}
      />
      <ActionButton
        label={trans.__('Deploy…')}
        icon={addIcon}
        example={`%endpoint deploy MODEL --to ${name} --canary 10%`}
        line={() =>
          deployment(name, status.model || (document.history[0]?.model ?? ''))
        }
      />
      {stopped ? (
        <ActionButton
          label={trans.__('Start')}
          icon={runIcon}
          line={`%endpoint start ${word(name)}`}
        />
      ) : (
        <ActionButton
          label={trans.__('Stop…')}
          icon={stopIcon}
          danger
          example={`%endpoint stop ${name}`}
          line={() => stop(name)}
        />
      )}
      <LineageButton kind="endpoint" id={name} />
    </>
  );
}

export const endpoint: IDocumentKind = {
  kind: 'endpoint',
  icon: endpointIcon,
  title: id => id,
  Component: Document
};
