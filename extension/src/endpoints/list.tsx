import React from 'react';

import type { IList } from '../panel/list';
import type { Tone } from '../panel/parts';
import { Ago, Badge, Facts, Snippet } from '../panel/parts';
import { Row } from '../panel/row';
import type { EndpointStatus } from '../records';
import { count, number } from '../text';

const TONES: Record<EndpointStatus['status'], Tone> = {
  running: 'good',
  starting: 'busy',
  stopped: 'idle',
  failed: 'bad'
};

function EndpointRow({
  record: endpoint
}: {
  record: EndpointStatus;
}): JSX.Element {
  const running = endpoint.status === 'running';
  return (
    <Row
      title={endpoint.name}
      tone={TONES[endpoint.status]}
      status={endpoint.status}
      badges={endpoint.model ? <Badge tone="busy">{endpoint.model}</Badge> : ''}
      aside={
        running && endpoint.since ? (
          <Ago time={endpoint.since} />
        ) : (
          endpoint.status
        )
      }
      summary={
        running
          ? `${count(endpoint.requests, 'request')} · ${count(endpoint.errors, 'error')}`
          : endpoint.detail
      }
    >
      {() => (
        <>
          {running && (
            <Snippet
              code={`import mlnb\nmlnb.serving.endpoint("${endpoint.name}").predict(X)`}
            />
          )}
          <Facts
            facts={[
              ['status', endpoint.status],
              ['detail', endpoint.detail],
              ['address', endpoint.url],
              ['release', endpoint.release && number(endpoint.release)],
              ['model', endpoint.model]
            ]}
          />
        </>
      )}
    </Row>
  );
}

export const endpoints: IList<'endpoints'> = {
  id: 'endpoints',
  title: 'Endpoints',
  empty: {
    text: 'Serve a registered model over HTTP:',
    code: '%deploy my-model@champion --to my-endpoint'
  },
  key: endpoint => endpoint.name,
  words: endpoint => [
    endpoint.name,
    endpoint.status,
    endpoint.model,
    endpoint.url
  ],
  Row: EndpointRow
};
