/** How far what is served has moved from the training data, by the report made last. */

import { refreshIcon } from '@jupyterlab/ui-components';
import React, { useState } from 'react';

import { Ago, Dot } from '../../panel/parts';
import type {
  Alert,
  DriftReport,
  EndpointDocument,
  FeatureDrift
} from '../../records';
import { number } from '../../text';
import { trans } from '../../translation';
import { ActionButton } from '../parts/action';
import { word } from '../parts/ask';
import { Card } from '../parts/frame';
import { RefLink } from '../parts/ref-link';

export function Drift({
  document
}: {
  document: EndpointDocument;
}): JSX.Element {
  const { report, status, psi_limit: limit } = document;
  const [chosen, setChosen] = useState<string | null>(null);
  const periods = report?.periods ?? [];
  const period =
    periods.find(one => one.period === chosen) ?? periods[periods.length - 1];
  return (
    <Card
      wide
      title={trans.__('Drift')}
      aside={
        <span className="mlnb-Card-aside">
          {report && <Ago time={report.created} />}{' '}
          <ActionButton
            label={trans.__('Compare now')}
            icon={refreshIcon}
            line={`%monitor report ${word(status.name)}`}
          />
        </span>
      }
    >
      {period ? (
        <>
          <Periods
            periods={periods}
            chosen={period.period}
            onChoose={setChosen}
          />
          <Features period={period} limit={limit} />
        </>
      ) : (
        <p className="mlnb-Note">
          {report
            ? trans.__('The endpoint served nothing in the time of the report.')
            : trans.__(
                'No report was made yet. One compares what was served with the training data.'
              )}
        </p>
      )}
    </Card>
  );
}

/** One light per period; click for its features. */
function Periods({
  periods,
  chosen,
  onChoose
}: {
  periods: DriftReport[];
  chosen: string;
  onChoose: (period: string) => void;
}): JSX.Element {
  return (
    <div className="mlnb-Periods" role="group" aria-label={trans.__('Periods')}>
      {periods.map(one => (
        <button
          key={one.period}
          type="button"
          aria-pressed={one.period === chosen}
          onClick={() => onChoose(one.period)}
        >
          <Dot
            tone={one.drifted ? 'bad' : 'good'}
            label={one.drifted ? trans.__('drifted') : trans.__('no drift')}
          />
          {one.period}
          <span className="mlnb-Faint">
            {trans._n('%1 row', '%1 rows', one.rows)}
          </span>
        </button>
      ))}
    </div>
  );
}

function Features({
  period,
  limit
}: {
  period: DriftReport;
  limit: number;
}): JSX.Element {
  const features = [...period.features].sort((a, b) => b.psi - a.psi);
  const most = Math.max(
    2 * limit,
    ...features.map(one => one.psi),
    period.predictions?.psi ?? 0
  );
  return (
    <>
      <p className="mlnb-Note">
        {period.reference && (
          <>
            {trans.__('Compared with')}{' '}
            {period.reference.includes('@') ? (
              <RefLink kind="dataset" id={period.reference} />
            ) : (
              period.reference
            )}
          </>
        )}
        {period.notes.length > 0 && ` · ${period.notes.join(' · ')}`}
      </p>
      <ul className="mlnb-Drift">
        {features.map(one => (
          <Feature key={one.feature} drift={one} limit={limit} most={most} />
        ))}
        {period.predictions && (
          <Feature
            drift={period.predictions}
            name={trans.__('predictions')}
            limit={limit}
            most={most}
          />
        )}
      </ul>
      {Object.keys(period.performance).length > 0 && (
        <p className="mlnb-Note">
          {trans._n(
            'On %1 labelled row:',
            'On %1 labelled rows:',
            period.labelled
          )}{' '}
          {Object.entries(period.performance)
            .map(([name, value]) => performance(period, name, value))
            .join(' · ')}
        </p>
      )}
    </>
  );
}

function performance(period: DriftReport, name: string, value: number): string {
  const promised = period.baseline[name];
  return promised === undefined
    ? `${name} ${number(value)}`
    : trans.__(
        '%1 %2 (%3 at validation)',
        name,
        number(value),
        number(promised)
      );
}

function Feature({
  drift,
  name = drift.feature,
  limit,
  most
}: {
  drift: FeatureDrift;
  name?: string;
  limit: number;
  most: number;
}): JSX.Element {
  const tone = drift.drifted ? 'bad' : drift.psi > limit / 2 ? 'idle' : 'good';
  const label = drift.drifted
    ? trans.__('drifted')
    : drift.psi > limit / 2
      ? trans.__('has moved, not beyond the limit')
      : trans.__('no drift');
  return (
    <li>
      <Dot tone={tone} label={label} />
      <span className="mlnb-Drift-name" title={name}>
        {name}
      </span>
      <span
        className={`mlnb-Drift-bar mlnb-mod-${tone}`}
        title={trans.__(
          'PSI %1, limit %2; %3, corrected p %4',
          number(drift.psi),
          number(limit),
          drift.test.toUpperCase(),
          number(drift.p_adjusted)
        )}
      >
        <span style={{ width: `${(100 * drift.psi) / most}%` }} />
        <i style={{ left: `${(100 * limit) / most}%` }} />
      </span>
      <span className="mlnb-Drift-value">{number(drift.psi)}</span>
    </li>
  );
}

export function Alerts({ alerts }: { alerts: Alert[] }): JSX.Element | null {
  if (!alerts.length) {
    return null;
  }
  return (
    <Card wide title={trans.__('Alerts')}>
      <ol className="mlnb-History">
        {alerts.map((alert, at) => (
          <li key={at}>
            <span className="mlnb-History-what">
              <Dot tone="bad" label={alert.kind} /> {alert.kind}{' '}
              <span className="mlnb-Faint">{alert.period}</span>
            </span>
            <span className="mlnb-History-why">{alert.message}</span>
            <span className="mlnb-Faint">
              <Ago time={alert.created} />
            </span>
          </li>
        ))}
      </ol>
    </Card>
  );
}
