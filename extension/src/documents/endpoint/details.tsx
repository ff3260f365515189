/** What happened to an endpoint, how to ask it, what it answered and wrote. */

import { HTMLSelect } from '@jupyterlab/ui-components';
import React, { useState } from 'react';

import { Ago, ProblemBox, Snippet } from '../../panel/parts';
import type { EndpointDocument, Release } from '../../records';
import { number } from '../../text';
import { trans } from '../../translation';
import { useAnswer } from '../answer';
import { Card } from '../parts/frame';
import { RefLink } from '../parts/ref-link';
import { percent } from './lines';

const LINES = 200;
const ROWS = 50;
const EVERY = 5000;

function what(release: Release): string {
  const about = release.about ?? release.number;
  switch (release.action) {
    case 'deploy':
      return trans.__('%1 deployed', release.number);
    case 'canary':
      return trans.__(
        '%1 canary, %2',
        release.number,
        percent(release.share ?? 0)
      );
    case 'shadow':
      return trans.__('%1 shadow', release.number);
    case 'shift':
      return trans.__('%1 shifted to %2', about, percent(release.share ?? 0));
    case 'promote':
      return trans.__('%1 promoted', about);
    default:
      return release.restores === null
        ? trans.__('%1 taken back', about)
        : trans.__('%1 restores %2', release.number, release.restores);
  }
}

export function History({
  history,
  entries
}: {
  history: Release[];
  entries: number;
}): JSX.Element {
  return (
    <Card
      wide
      title={trans.__('History')}
      aside={<span className="mlnb-Card-aside">{number(entries)}</span>}
    >
      <ol className="mlnb-History">
        {history.map(release => (
          <li key={release.number}>
            <span className="mlnb-History-what">
              {what(release)} <RefLink kind="model" id={release.model} />
            </span>
            <span className="mlnb-History-why">
              {release.reason}
              {release.rule && (
                <span className="mlnb-Faint">
                  {' '}
                  {trans.__('by rule %1', release.rule)}
                </span>
              )}
            </span>
            <span className="mlnb-Faint">
              {release.author} · <Ago time={release.created} />
            </span>
          </li>
        ))}
      </ol>
      {entries > history.length && (
        <p className="mlnb-Note">
          {trans.__('Older entries: %1', entries - history.length)}
        </p>
      )}
    </Card>
  );
}

export function Asking({
  document
}: {
  document: EndpointDocument;
}): JSX.Element {
  const { name } = document.status;
  const ways: [string, string, boolean][] = [
    [
      trans.__('from a notebook'),
      `import mlnb\nmlnb.serving.endpoint("${name}").predict(X)`,
      true
    ],
    [trans.__('from a shell'), document.curl, false],
    [trans.__('from Python without mlnb'), document.python, true]
  ];
  const [at, setAt] = useState(0);
  const [, code, notebook] = ways[at]!;
  return (
    <Card
      title={trans.__('Ask it')}
      aside={
        <HTMLSelect
          aria-label={trans.__('From where')}
          value={String(at)}
          onChange={event => setAt(Number(event.target.value))}
        >
          {ways.map(([label], index) => (
            <option key={index} value={index}>
              {label}
            </option>
          ))}
        </HTMLSelect>
      }
    >
      <Snippet code={code} notebook={notebook} />
    </Card>
  );
}

export function Predictions({ name }: { name: string }): JSX.Element | null {
  const { data, problem } = useAnswer(
    'GET /endpoints/{name}/predictions',
    { name, rows: ROWS },
    { every: EVERY }
  );
  if (problem && !data) {
    return <ProblemBox problem={problem} />;
  }
  if (!data?.rows.length) {
    return null;
  }
  return (
    <Card
      wide
      title={trans.__('Latest predictions')}
      aside={
        <span className="mlnb-Card-aside">
          {trans._n('%1 row', '%1 rows', data.rows.length)}
        </span>
      }
    >
      <div
        className="mlnb-Scroll mlnb-mod-tall"
        tabIndex={0}
        role="region"
        aria-label={trans.__('Latest predictions of %1', name)}
      >
        <table className="mlnb-Rows mlnb-mod-data">
          <thead>
            <tr>
              {data.columns.map(column => (
                <th key={column} scope="col">
                  {column}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {data.rows.map((row, at) => (
              <tr key={at}>
                {row.map((value, index) => (
                  <td
                    key={index}
                    className={
                      typeof value === 'number' ? 'mlnb-mod-number' : ''
                    }
                  >
                    {cell(data.columns[index] ?? '', value)}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </div>
    </Card>
  );
}

function cell(column: string, value: string | number | boolean | null): string {
  if (column === 'time' && typeof value === 'string') {
    return new Date(value).toLocaleString();
  }
  return typeof value === 'number' ? number(value) : String(value ?? '');
}

export function Log({ name }: { name: string }): JSX.Element {
  const [open, setOpen] = useState(false);
  return (
    <Card
      wide
      title={trans.__('Log')}
      aside={
        <button
          type="button"
          className="mlnb-Link"
          aria-expanded={open}
          onClick={() => setOpen(!open)}
        >
          {open ? trans.__('Hide') : trans.__('Show the last lines')}
        </button>
      }
    >
      {open && <LogLines name={name} />}
    </Card>
  );
}

function LogLines({ name }: { name: string }): JSX.Element {
  const { data, problem } = useAnswer(
    'GET /endpoints/{name}/log',
    { name, lines: LINES },
    { every: EVERY }
  );
  if (problem && !data) {
    return <ProblemBox problem={problem} />;
  }
  return (
    <pre className="mlnb-Log" tabIndex={0} aria-label={trans.__('Log')}>
      {data
        ? data.text || trans.__('Nothing was written.')
        : trans.__('Reading…')}
    </pre>
  );
}
