/** What changed in the columns of a table: their names and types, and their values. */

import React, { useState } from 'react';

import { Shape } from '../../histogram';
import type { DatasetDiff } from '../../records';
import { number } from '../../text';
import { trans } from '../../translation';
import { Wide } from './wide';
import { NULL, share } from './words';

export function Schema({ diff }: { diff: DatasetDiff }): JSX.Element | null {
  const changes: [string, string, string, string][] = [
    ...diff.columns_added.map((one): [string, string, string, string] => [
      'added',
      one.name,
      '',
      one.type
    ]),
    ...diff.columns_removed.map((one): [string, string, string, string] => [
      'removed',
      one.name,
      one.type,
      ''
    ]),
    ...diff.columns_changed.map((one): [string, string, string, string] => [
      'changed',
      one.name,
      one.before,
      one.after
    ]),
    ...diff.columns_renamed.map((one): [string, string, string, string] => [
      'renamed',
      one.after,
      one.before,
      one.after
    ])
  ];
  if (!changes.length) {
    return null;
  }
  const words: { [kind: string]: string } = {
    added: trans.__('added'),
    removed: trans.__('removed'),
    changed: trans.__('another type'),
    renamed: trans.__('renamed')
  };
  return (
    <>
      <h3>{trans.__('Changes of columns')}</h3>
      <Wide label={trans.__('Changes of columns')}>
        <table className="mlnb-Grid">
          <thead>
            <tr>
              <th scope="col">{trans.__('change')}</th>
              <th scope="col">{trans.__('column')}</th>
              <th scope="col">{trans.__('before')}</th>
              <th scope="col">{trans.__('after')}</th>
            </tr>
          </thead>
          <tbody>
            {changes.map(([kind, name, before, after]) => (
              <tr key={`${kind} ${name}`} className={`mlnb-mod-${kind}`}>
                <td>{words[kind]}</td>
                <th scope="row">{name}</th>
                <td>{before}</td>
                <td>{after}</td>
              </tr>
            ))}
          </tbody>
        </table>
      </Wide>
    </>
  );
}

export function Columns({ diff }: { diff: DatasetDiff }): JSX.Element | null {
  if (!diff.columns.length) {
    return null;
  }
  const matched = diff.rows_kept + (diff.rows_changed ?? 0);
  return (
    <>
      <h3>{trans.__('Changes of values')}</h3>
      <Wide label={trans.__('Changes of values')}>
        <table className="mlnb-Grid">
          <thead>
            <tr>
              <th scope="col">{trans.__('column')}</th>
              <th scope="col" className="mlnb-mod-number">
                {trans.__('cells')}
              </th>
              <th scope="col" className="mlnb-mod-number">
                {trans.__('of rows')}
              </th>
              <th scope="col">{trans.__('some of them')}</th>
              <th
                scope="col"
                className="mlnb-mod-number"
                title={trans.__(
                  'Population stability index: below 0.1 stable, above 0.25 another distribution'
                )}
              >
                {trans.__('PSI')}
              </th>
              <th scope="col">{trans.__('distribution')}</th>
            </tr>
          </thead>
          <tbody>
            {diff.columns.map(column => (
              <tr key={column.name}>
                <th scope="row" title={column.name}>
                  {column.name}
                </th>
                <td className="mlnb-mod-number">
                  {column.cells === null ? '?' : number(column.cells)}
                </td>
                <td className="mlnb-mod-number">
                  {share(column.cells ?? 0, matched)}
                </td>
                <td>
                  <Samples samples={column.samples} />
                </td>
                <td className="mlnb-mod-number">
                  {column.psi === null ? '' : column.psi.toFixed(2)}
                </td>
                <td>
                  <Shape
                    now={column.after?.histogram ?? null}
                    before={column.before?.histogram ?? null}
                  />
                </td>
              </tr>
            ))}
          </tbody>
        </table>
      </Wide>
    </>
  );
}

function Samples({
  samples
}: {
  samples: DatasetDiff['columns'][number]['samples'];
}): JSX.Element {
  const [most, setMost] = useState(2);
  return (
    <ul className="mlnb-Samples">
      {samples.slice(0, most).map(sample => (
        <li key={sample.place}>
          <span className="mlnb-Samples-place">{sample.place}</span>{' '}
          <Value value={sample.before} tone="removed" />
          {' → '}
          <Value value={sample.after} tone="added" />
        </li>
      ))}
      {samples.length > most && (
        <li>
          <button
            type="button"
            className="mlnb-Link"
            onClick={() => setMost(samples.length)}
          >
            {trans.__('more')}
          </button>
        </li>
      )}
    </ul>
  );
}

function Value({
  value,
  tone
}: {
  value: string | null;
  tone: 'added' | 'removed';
}): JSX.Element {
  const text = value === null ? NULL : value.trim() ? value : `“${value}”`;
  return tone === 'added' ? (
    <ins className="mlnb-mod-added">{text}</ins>
  ) : (
    <del className="mlnb-mod-removed">{text}</del>
  );
}
