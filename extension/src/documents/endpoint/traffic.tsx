/** Which releases answer, which share of the requests, and how they do. */

import React from 'react';

import { Badge } from '../../panel/parts';
import type {
  EndpointPart,
  EndpointStatus,
  LivePoint,
  ReleaseRate
} from '../../records';
import { number } from '../../text';
import { trans } from '../../translation';
import { Chart } from '../parts/chart';
import { Card } from '../parts/frame';
import { RefLink } from '../parts/ref-link';
import { percent } from './lines';
import { latestRates, lines } from './live';

/** The releases that serve; one alone is not always listed as a part. */
export function partsOf(status: EndpointStatus): EndpointPart[] {
  if (status.parts.length || status.release === null) {
    return status.parts;
  }
  const alone = { sticky_by: '', rules: [], workers: 0, crashes: 0 };
  const { release, model } = status;
  return [{ release, model, role: 'current', share: null, ...alone }];
}

function roleOf(part: EndpointPart): string {
  return {
    current: trans.__('current'),
    canary: trans.__('canary'),
    shadow: trans.__('shadow')
  }[part.role];
}

/** The share of the requests that a part answers; a shadow answers none. */
function shareOf(part: EndpointPart, parts: EndpointPart[]): number {
  if (part.role === 'shadow') {
    return 0;
  }
  const canary = parts.find(one => one.role === 'canary')?.share ?? 0;
  return part.role === 'canary' ? canary : 1 - canary;
}

export function Traffic({
  status,
  points
}: {
  status: EndpointStatus;
  points: LivePoint[];
}): JSX.Element {
  const parts = partsOf(status);
  const rates = latestRates(points);
  const answering = parts.filter(part => part.role !== 'shadow');
  return (
    <Card wide title={trans.__('Traffic')}>
      <div
        className="mlnb-Split"
        role="img"
        aria-label={answering
          .map(part =>
            trans.__(
              'release %1: %2',
              part.release,
              percent(shareOf(part, parts))
            )
          )
          .join(', ')}
      >
        {answering.map(part => (
          <span
            key={part.release}
            style={{
              flexGrow: shareOf(part, parts),
              background: colourOf(part.release)
            }}
          />
        ))}
      </div>
      <div
        className="mlnb-Scroll"
        tabIndex={0}
        role="region"
        aria-label={trans.__('Releases that serve')}
      >
        <table className="mlnb-Rows">
          <thead>
            <tr>
              <th scope="col">{trans.__('Release')}</th>
              <th scope="col">{trans.__('Model')}</th>
              <th scope="col" className="mlnb-mod-number">
                {trans.__('Share')}
              </th>
              <th scope="col" className="mlnb-mod-number">
                {trans.__('Requests/s')}
              </th>
              <th scope="col" className="mlnb-mod-number">
                {trans.__('p50')}
              </th>
              <th scope="col" className="mlnb-mod-number">
                {trans.__('p99')}
              </th>
              <th scope="col" className="mlnb-mod-number">
                {trans.__('Errors')}
              </th>
              <th scope="col" className="mlnb-mod-number">
                {trans.__('Requests')}
              </th>
              <th scope="col">{trans.__('Has to keep')}</th>
            </tr>
          </thead>
          <tbody>
            {parts.map(part => (
              <PartRow
                key={part.release}
                part={part}
                share={shareOf(part, parts)}
                rate={rates.get(part.release)}
              />
            ))}
          </tbody>
        </table>
      </div>
    </Card>
  );
}

function PartRow({
  part,
  share,
  rate
}: {
  part: EndpointPart;
  share: number;
  rate: ReleaseRate | undefined;
}): JSX.Element {
  const rules = part.rules.join(', ');
  const sticky = part.sticky_by && trans.__('sticky by %1', part.sticky_by);
  return (
    <tr>
      <th scope="row">
        <span className="mlnb-Rows-name">
          <span
            className="mlnb-Key"
            style={{ background: colourOf(part.release) }}
          />
          {part.release}
          <Badge tone={part.role === 'current' ? 'good' : 'busy'}>
            {roleOf(part)}
          </Badge>
        </span>
      </th>
      <td>
        <RefLink kind="model" id={part.model} />
      </td>
      <td className="mlnb-mod-number">
        {part.role === 'shadow' ? trans.__('copies') : percent(share)}
      </td>
      <td className="mlnb-mod-number">{rate && perSecond(rate.per_second)}</td>
      <td className="mlnb-mod-number">{rate && milliseconds(rate.p50)}</td>
      <td className="mlnb-mod-number">{rate && milliseconds(rate.p99)}</td>
      <td className="mlnb-mod-number">{rate && percent(rate.failing)}</td>
      <td className="mlnb-mod-number">{rate && number(rate.requests)}</td>
      <td>{[rules, sticky].filter(Boolean).join(' · ')}</td>
    </tr>
  );
}

/** The colour of a release's line in the charts. */
function colourOf(release: number): string {
  return `var(--mlnb-series-${release % 10})`;
}

function perSecond(value: number): string {
  return number(Number(value.toFixed(1)));
}

function milliseconds(value: number | null): string {
  return value === null ? '–' : `${Number(value.toPrecision(3))} ms`;
}

export function Curves({ points }: { points: LivePoint[] }): JSX.Element {
  const named = (release: number): string => trans.__('release %1', release);
  const latency = [
    ...lines(
      points,
      rate => rate.p50,
      release => trans.__('release %1, p50', release)
    ),
    ...lines(
      points,
      rate => rate.p99,
      release => trans.__('release %1, p99', release)
    ).map(line => ({ ...line, colour: (line.colour ?? 0) + 10 }))
  ];
  const shared = { height: 150, time: true, from: 0, together: 'endpoint' };
  return (
    <>
      <Card title={trans.__('Requests per second')}>
        <Chart
          label={trans.__('Requests per second of each release')}
          series={lines(points, rate => rate.per_second, named)}
          formatY={value => (value === null ? '' : perSecond(value))}
          {...shared}
        />
      </Card>
      <Card title={trans.__('Latency: p50, and p99 dashed')}>
        <Chart
          label={trans.__('Latency of each release')}
          series={latency}
          formatY={value => (value === null ? '' : milliseconds(value))}
          {...shared}
        />
      </Card>
      <Card title={trans.__('Share of errors')}>
        <Chart
          label={trans.__('Share of errors of each release')}
          series={lines(points, rate => rate.failing, named)}
          formatY={value => (value === null ? '' : percent(value))}
          {...shared}
        />
      </Card>
    </>
  );
}
