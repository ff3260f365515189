/** The cards of what an endpoint served, period by period, against what its model was made of. */

import React from 'react';

import type { DriftReport, FeatureDrift, MonitorReport } from '../records';
import { number } from '../text';
import { trans } from '../translation';
import { Card, Grid, More, Note, Part } from './card';
import { interval } from './interval';
import { moment } from './moment';

const FEATURES = 15;
/** Customary readings of the population stability index. */
const STABLE = 0.1;
const MOVED = 0.25;

export function MonitorCard({
  record: report
}: {
  record: MonitorReport;
}): JSX.Element {
  const drifted = report.periods.filter(period => period.drifted).length;
  const alerts = report.alerts.length > 0;
  return (
    <Card
      kind={trans.__('Monitoring')}
      title={report.endpoint}
      tone={alerts || drifted ? 'bad' : 'good'}
      status={
        drifted
          ? trans.__(
              'drifted in %1 of %2 periods',
              drifted,
              report.periods.length
            )
          : trans.__('no drift')
      }
      document={['endpoint', report.endpoint]}
      facts={[
        [trans.__('model'), report.model],
        [trans.__('compared with'), report.reference],
        [trans.__('looked at'), moment(report.created)]
      ]}
    >
      {report.alerts.length > 0 && (
        <ul className="mlnb-Result-alerts">
          {report.alerts.map((alert, at) => (
            <li key={at}>
              <b>{alert.period}</b> {alert.message}
            </li>
          ))}
        </ul>
      )}
      <More place="alerts" shown={report.alerts.length} />
      {report.periods.length ? (
        <>
          <Heat periods={report.periods} />
          <Performance periods={report.periods} />
          <More place="periods" shown={report.periods.length} />
        </>
      ) : (
        <Note>{trans.__('The endpoint served nothing in this time.')}</Note>
      )}
    </Card>
  );
}

export function DriftCard({
  record: period
}: {
  record: DriftReport;
}): JSX.Element {
  return (
    <Card
      kind={trans.__('Drift')}
      title={period.endpoint}
      tone={period.drifted ? 'bad' : 'good'}
      status={period.drifted ? trans.__('drifted') : trans.__('no drift')}
      document={['endpoint', period.endpoint]}
      facts={[
        [trans.__('period'), period.period],
        [trans.__('model'), period.model],
        [trans.__('compared with'), period.reference],
        [trans.__('rows'), number(period.rows)]
      ]}
    >
      <Heat periods={[period]} />
      <Performance periods={[period]} />
      {period.notes.map((note, at) => (
        <Note key={at}>{note}</Note>
      ))}
    </Card>
  );
}

/** Features down, periods across; what moved farthest comes first. */
function Heat({ periods }: { periods: DriftReport[] }): JSX.Element | null {
  const farthest = new Map<string, number>();
  for (const { feature, psi } of periods.flatMap(period => period.features)) {
    farthest.set(feature, Math.max(farthest.get(feature) ?? 0, psi));
  }
  const names = [...farthest.keys()].sort(
    (a, b) => (farthest.get(b) ?? 0) - (farthest.get(a) ?? 0)
  );
  if (!names.length) {
    return null;
  }
  return (
    <Part
      title={trans.__('Drift')}
      aside={trans.__('population stability index')}
    >
      <Grid
        label={trans.__('Drift by feature and period')}
        columns={[
          { label: trans.__('feature') },
          ...periods.map(period => ({ label: period.period, number: true }))
        ]}
      >
        {names.slice(0, FEATURES).map(name => (
          <Row
            key={name}
            name={name}
            found={periods.map(period =>
              period.features.find(item => item.feature === name)
            )}
          />
        ))}
        {periods.some(period => period.predictions) && (
          <Row
            name={trans.__('(predictions)')}
            found={periods.map(period => period.predictions ?? undefined)}
          />
        )}
      </Grid>
      {names.length > FEATURES && (
        <Note>
          {trans.__('… and %1 more', number(names.length - FEATURES))}
        </Note>
      )}
    </Part>
  );
}

function Row({
  name,
  found
}: {
  name: string;
  found: (FeatureDrift | undefined)[];
}): JSX.Element {
  return (
    <tr>
      <th scope="row" title={name}>
        {name}
      </th>
      {found.map((item, at) => (
        <td
          key={at}
          className={`mlnb-mod-number mlnb-Heat ${item ? level(item) : ''}`}
          title={item ? said(item) : ''}
        >
          {item && item.psi.toFixed(2)}
          {item?.drifted && <span aria-label={trans.__('drifted')}> ▲</span>}
        </td>
      ))}
    </tr>
  );
}

function level({ psi, drifted }: FeatureDrift): string {
  if (drifted || psi >= MOVED) {
    return 'mlnb-mod-bad';
  }
  return psi >= STABLE ? 'mlnb-mod-warn' : '';
}

function said(item: FeatureDrift): string {
  const test = item.test === 'ks' ? 'Kolmogorov–Smirnov' : 'χ²';
  return `${test} p = ${number(item.p_adjusted)}`;
}

function Performance({
  periods
}: {
  periods: DriftReport[];
}): JSX.Element | null {
  const names = [
    ...new Set(periods.flatMap(period => Object.keys(period.performance)))
  ];
  return names.length ? (
    <Part
      title={trans.__('Realised')}
      aside={trans.__('on rows whose outcome is known')}
    >
      <Grid
        label={trans.__('Realised performance')}
        columns={[
          { label: trans.__('metric') },
          ...periods.map(period => ({ label: period.period, number: true })),
          { label: trans.__('at validation'), number: true }
        ]}
      >
        {names.map(name => (
          <tr key={name}>
            <th scope="row">{name}</th>
            {periods.map((period, at) => (
              <td
                key={at}
                className="mlnb-mod-number"
                title={interval(period.intervals[name])}
              >
                {name in period.performance &&
                  number(period.performance[name] ?? null)}
              </td>
            ))}
            <td className="mlnb-mod-number mlnb-mod-dim">
              {number(
                periods.map(period => period.baseline[name]).find(Boolean) ??
                  null
              )}
            </td>
          </tr>
        ))}
      </Grid>
    </Part>
  ) : null;
}
