/** The card of a validation: each check with its interval, drawn against its limit. */

import React from 'react';

import type { Check, SuiteResult } from '../records';
import { number } from '../text';
import { trans } from '../translation';
import { Card, Folded, Grid, More, Pairs } from './card';
import { interval } from './interval';
import { moment } from './moment';

export function VerdictCard({
  record: result
}: {
  record: SuiteResult;
}): JSX.Element {
  const checked = new Set(
    result.checks
      .filter(check => check.kind === 'limit')
      .map(check => check.metric)
  );
  const others = Object.entries(result.metrics).filter(
    ([name]) => !checked.has(name)
  );
  return (
    <Card
      kind={trans.__('Validation')}
      title={result.model}
      tone={result.passed ? 'good' : 'bad'}
      status={result.passed ? trans.__('passed') : trans.__('did not pass')}
      document={['model', result.model]}
      facts={[
        [trans.__('suite'), result.suite],
        [
          trans.__('data'),
          result.data || trans.__('a frame that is no dataset version')
        ],
        [trans.__('rows'), number(result.rows)],
        [trans.__('champion'), result.champion],
        [trans.__('validated'), moment(result.created)]
      ]}
    >
      <Grid
        label={trans.__('Checks')}
        columns={[
          { label: trans.__('check') },
          { label: trans.__('value'), number: true },
          {
            label: trans.__('%1% interval', Math.round(100 * result.confidence))
          },
          { label: trans.__('verdict') },
          { label: trans.__('why') }
        ]}
      >
        {result.checks.map((check, at) => (
          <tr key={at} className={toneOf(check)}>
            <th scope="row" title={check.name}>
              {check.name}
            </th>
            <td className="mlnb-mod-number">
              {check.value !== null && number(check.value)}
            </td>
            <td>
              <Interval check={check} />
            </td>
            <td className="mlnb-Result-verdict">{verdict(check)}</td>
            <td className="mlnb-mod-dim">{check.detail}</td>
          </tr>
        ))}
      </Grid>
      <More place="checks" shown={result.checks.length} />
      {others.length > 0 && (
        <Folded title={trans.__('Also measured')}>
          <Pairs
            pairs={Object.fromEntries(
              others.map(([name, value]) => [
                name,
                measured(result, name, value)
              ])
            )}
          />
        </Folded>
      )}
    </Card>
  );
}

function measured(result: SuiteResult, name: string, value: number): string {
  const bounds = interval(result.intervals[name]);
  return bounds ? `${number(value)} (${bounds})` : number(value);
}

function verdict(check: Check): string {
  if (check.skipped) {
    return trans.__('skipped');
  }
  return check.passed ? trans.__('passed') : trans.__('failed');
}

function toneOf(check: Check): string {
  if (check.skipped) {
    return 'mlnb-mod-dim';
  }
  return check.passed ? 'mlnb-mod-good' : 'mlnb-mod-bad';
}

const WIDTH = 140;

/** The interval as a line, the value as a point, the limit as a mark across. */
function Interval({ check }: { check: Check }): JSX.Element | null {
  const { low, high, value, limit } = check;
  if (low === null || high === null) {
    return null;
  }
  const all = [low, high, value, limit].filter(item => item !== null);
  const from = Math.min(...all);
  const span = Math.max(...all) - from || 1;
  const x = (at: number): number => 8 + ((WIDTH - 16) * (at - from)) / span;
  const words = `${number(low)} … ${number(high)}`;
  return (
    <span className="mlnb-Range">
      <svg width={WIDTH} height={16} role="img" aria-label={words}>
        <title>{words}</title>
        <path className="mlnb-Range-line" d={`M${x(low)} 8H${x(high)}`} />
        {value !== null && <circle cx={x(value)} cy={8} r={3.5} />}
        {limit !== null && (
          <path className="mlnb-Range-limit" d={`M${x(limit)} 1V15`} />
        )}
      </svg>
      <small>{words}</small>
    </span>
  );
}
