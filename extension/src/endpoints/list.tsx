import React from 'react';

import type { IList } from '../panel/list';
import type { Tone } from '../panel/parts';
import { Ago, Badge } from '../panel/parts';
import { Line } from '../panel/row';
import type { EndpointStatus } from '../records';
import { count } from '../text';
import { trans } from '../translation';
import { entries } from './menu';

const TONES: Record<EndpointStatus['status'], Tone> = {
  running: 'good',
  starting: 'busy',
  stopped: 'idle',
  failed: 'bad'
};

function statusOf(status: EndpointStatus['status']): string {
  switch (status) {
    case 'running':
      return trans.__('running');
    case 'starting':
      return trans.__('starting');
    case 'stopped':
      return trans.__('stopped');
    case 'failed':
      return trans.__('failed');
  }
}

function EndpointRow({ row: endpoint }: { row: EndpointStatus }): JSX.Element {
  const running = endpoint.status === 'running';
  const status = statusOf(endpoint.status);
  return (
    <Line
      title={endpoint.name}
      tone={TONES[endpoint.status]}
      status={status}
      badges={endpoint.model ? <Badge tone="busy">{endpoint.model}</Badge> : ''}
      aside={running && endpoint.since ? <Ago time={endpoint.since} /> : status}
      summary={
        running
          ? `${count(endpoint.requests, 'request')} · ${count(endpoint.errors, 'error')}`
          : endpoint.detail
      }
    />
  );
}

export const endpoints: IList<'endpoints'> = {
  id: 'endpoints',
  title: () => trans.__('Endpoints'),
  empty: () => ({
    text: trans.__('Serve a registered model over HTTP:'),
    code: '%deploy my-model@champion --to my-endpoint'
  }),
  key: endpoint => endpoint.name,
  name: endpoint => endpoint.name,
  document: endpoint => ({ kind: 'endpoint', id: endpoint.name }),
  orders: () => [
    { order: 'name', label: trans.__('Name') },
    { order: 'status', label: trans.__('Status') },
    { order: '-requests', label: trans.__('Most requests first') }
  ],
  entries,
  Row: EndpointRow
};
