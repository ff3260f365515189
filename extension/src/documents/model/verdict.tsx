/** What a validation suite found: each check with its interval and limit. */

import React from 'react';

import { Ago, Badge, Dot } from '../../panel/parts';
import type { Tone } from '../../panel/parts';
import type { Check, SuiteResult } from '../../records';
import { number } from '../../text';
import { trans } from '../../translation';
import { useDocument } from '../context';
import { Card } from '../parts/frame';
import { Interval } from '../parts/interval';
import { RefLink } from '../parts/ref-link';

function titleOf(kind: string): string {
  const titles: { [kind: string]: string } = {
    limit: trans.__('On held-out data'),
    champion: trans.__('Against the champion'),
    slice: trans.__('On slices'),
    fairness: trans.__('Fairness between groups'),
    robustness: trans.__('Robustness')
  };
  return titles[kind] ?? kind;
}

function toneOf(check: Check): { tone: Tone; label: string } {
  if (check.skipped) {
    return { tone: 'idle', label: trans.__('skipped') };
  }
  return check.passed
    ? { tone: 'good', label: trans.__('passed') }
    : { tone: 'bad', label: trans.__('failed') };
}

export function Verdict({ result }: { result: SuiteResult }): JSX.Element {
  const { project } = useDocument();
  const kinds = [...new Set(result.checks.map(check => check.kind))];
  const checked = new Set(
    result.checks
      .filter(check => check.kind === 'limit')
      .map(check => check.metric)
  );
  const others = Object.keys(result.metrics).filter(name => !checked.has(name));
  return (
    <Card
      wide
      title={trans.__('Gate: %1', result.suite)}
      aside={
        <span className="mlnb-Card-aside">
          <Badge tone={result.passed ? 'good' : 'bad'}>
            {result.passed ? trans.__('passed') : trans.__('refused')}
          </Badge>{' '}
          <Ago time={result.created} />
        </span>
      }
    >
      <p className="mlnb-Note">
        {trans.__('%1 rows', number(result.rows))}{' '}
        {result.data ? (
          <>
            {trans.__('of')} <RefLink kind="dataset" id={result.data} />
          </>
        ) : (
          trans.__('of a frame that is no dataset version')
        )}
        {result.champion && (
          <>
            {' · '}
            {trans.__('compared with')}{' '}
            <RefLink kind="model" id={result.champion} />
          </>
        )}
        {' · '}
        {trans.__('intervals at %1%', Math.round(100 * result.confidence))}
      </p>
      <div
        className="mlnb-Scroll"
        tabIndex={0}
        role="region"
        aria-label={trans.__('Checks of %1 in %2', result.suite, project.name)}
      >
        <table className="mlnb-Rows mlnb-mod-checks">
          <thead>
            <tr>
              <th scope="col">{trans.__('Check')}</th>
              <th scope="col" className="mlnb-mod-number">
                {trans.__('Value')}
              </th>
              <th scope="col">{trans.__('Interval and limit')}</th>
              <th scope="col">{trans.__('Why')}</th>
            </tr>
          </thead>
          {kinds.map(kind => (
            <tbody key={kind}>
              <tr className="mlnb-Rows-group">
                <th scope="rowgroup" colSpan={4}>
                  {titleOf(kind)}
                </th>
              </tr>
              {result.checks
                .filter(check => check.kind === kind)
                .map((check, at) => (
                  <CheckRow key={at} check={check} />
                ))}
            </tbody>
          ))}
          {others.length > 0 && (
            <tbody>
              <tr className="mlnb-Rows-group">
                <th scope="rowgroup" colSpan={4}>
                  {trans.__('Also measured')}
                </th>
              </tr>
              {others.map(name => (
                <Measured key={name} name={name} result={result} />
              ))}
            </tbody>
          )}
        </table>
      </div>
    </Card>
  );
}

function CheckRow({ check }: { check: Check }): JSX.Element {
  const { tone, label } = toneOf(check);
  return (
    <tr>
      <th scope="row">
        <span className="mlnb-Rows-name">
          <Dot tone={tone} label={label} />
          <span>{check.name}</span>
        </span>
      </th>
      <td className="mlnb-mod-number">
        {check.value === null ? '' : number(check.value)}
      </td>
      <td>
        <Interval
          value={check.value}
          low={check.low}
          high={check.high}
          limit={check.limit}
          tone={tone}
        />
        {range(check.low, check.high)}
      </td>
      <td>{check.detail}</td>
    </tr>
  );
}

function range(low: number | null, high: number | null): JSX.Element | null {
  return low === null || high === null ? null : (
    <span className="mlnb-Interval-words">
      {`${number(low)} … ${number(high)}`}
    </span>
  );
}

function Measured({
  name,
  result
}: {
  name: string;
  result: SuiteResult;
}): JSX.Element {
  const value = result.metrics[name] ?? null;
  const [low, high] = (result.intervals[name] ?? [null, null]) as [
    number | null,
    number | null
  ];
  return (
    <tr>
      <th scope="row">
        <span className="mlnb-Rows-name mlnb-mod-plain">{name}</span>
      </th>
      <td className="mlnb-mod-number">{number(value)}</td>
      <td>
        <Interval value={value} low={low} high={high} tone="idle" />
        {range(low, high)}
      </td>
      <td />
    </tr>
  );
}
