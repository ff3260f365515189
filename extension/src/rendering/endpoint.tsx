/** The card of an endpoint as it was when the cell ran. */

import React from 'react';

import type { Tone } from '../panel/parts';
import type { EndpointPart, EndpointStatus } from '../records';
import { number } from '../text';
import { trans } from '../translation';
import { Card, Grid, Part } from './card';
import { moment } from './moment';

const TONES: Record<EndpointStatus['status'], Tone> = {
  running: 'good',
  starting: 'busy',
  stopped: 'idle',
  failed: 'bad'
};

export function EndpointCard({
  record: endpoint
}: {
  record: EndpointStatus;
}): JSX.Element {
  const served = endpoint.status === 'running';
  return (
    <Card
      kind={trans.__('Endpoint')}
      title={endpoint.name}
      tone={TONES[endpoint.status] ?? 'idle'}
      status={endpoint.status}
      document={['endpoint', endpoint.name]}
      facts={[
        [trans.__('address'), endpoint.url],
        [trans.__('release'), endpoint.release && number(endpoint.release)],
        [trans.__('model'), endpoint.model],
        [trans.__('since'), moment(endpoint.since)],
        [trans.__('requests'), served && number(endpoint.requests)],
        [trans.__('errors'), served && number(endpoint.errors)]
      ]}
    >
      {endpoint.detail && <p>{endpoint.detail}</p>}
      {endpoint.parts.length > 1 && <Parts parts={endpoint.parts} />}
    </Card>
  );
}

/** Of the current release: what the canary does not answer. */
function shareOf(part: EndpointPart, parts: EndpointPart[]): number | null {
  if (part.role === 'shadow') {
    return null;
  }
  const canary = parts.find(item => item.role === 'canary')?.share ?? 0;
  return part.role === 'canary' ? canary : 1 - canary;
}

function Parts({ parts }: { parts: EndpointPart[] }): JSX.Element {
  return (
    <Part title={trans.__('Releases that serve')}>
      <div className="mlnb-Result-split" aria-hidden="true">
        {parts.map(part => {
          const share = shareOf(part, parts);
          return share ? (
            <span
              key={part.release}
              className={`mlnb-mod-${part.role}`}
              style={{ flexGrow: share }}
            />
          ) : null;
        })}
      </div>
      <Grid
        label={trans.__('Releases that serve')}
        columns={[
          { label: trans.__('release'), number: true },
          { label: trans.__('model') },
          { label: trans.__('part') },
          { label: trans.__('requests'), number: true },
          { label: trans.__('has to keep') }
        ]}
      >
        {parts.map(part => {
          const share = shareOf(part, parts);
          return (
            <tr key={part.release}>
              <td className="mlnb-mod-number">{part.release}</td>
              <td>{part.model}</td>
              <td>{part.role}</td>
              <td className="mlnb-mod-number">
                {share !== null && `${Math.round(100 * share)}%`}
              </td>
              <td>{part.rules.join(', ')}</td>
            </tr>
          );
        })}
      </Grid>
    </Part>
  );
}
