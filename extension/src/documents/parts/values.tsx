/** Names with values as a table: with a search and a limit where they are many. */

import { Button } from '@jupyterlab/ui-components';
import React, { useState } from 'react';

import { trans } from '../../translation';
import { has, Search } from './fields';

const FIRST = 40;
const SEARCHED = 12;

export function ValueTable({
  rows,
  heads,
  numbers = false,
  search
}: {
  rows: readonly (readonly [string, React.ReactNode])[];
  heads: readonly [string, string];
  /** Whether the values are numbers, which stand at the right. */
  numbers?: boolean;
  /** What the field of a long table is called. */
  search: string;
}): JSX.Element {
  const [query, setQuery] = useState('');
  const [most, setMost] = useState(FIRST);
  const fitting = rows.filter(
    ([name, value]) =>
      !query || has(query, `${name} ${typeof value === 'string' ? value : ''}`)
  );
  const shown = fitting.slice(0, most);
  return (
    <>
      {rows.length > SEARCHED && (
        <Search label={search} value={query} onChange={setQuery} />
      )}
      <table className={`mlnb-Table${numbers ? ' mlnb-mod-numbers' : ''}`}>
        <thead className="mlnb-mod-unseen">
          <tr>
            <th scope="col">{heads[0]}</th>
            <th scope="col">{heads[1]}</th>
          </tr>
        </thead>
        <tbody>
          {shown.map(([name, value]) => (
            <tr key={name}>
              <th scope="row" title={name}>
                {name}
              </th>
              <td>{value}</td>
            </tr>
          ))}
        </tbody>
      </table>
      {!fitting.length && (
        <p className="mlnb-Empty">
          {trans.__('Nothing here matches “%1”.', query)}
        </p>
      )}
      {fitting.length > shown.length && (
        <Button minimal small onClick={() => setMost(most * 10)}>
          {trans.__(
            'Show more (%1)',
            (fitting.length - shown.length).toLocaleString('en')
          )}
        </Button>
      )}
    </>
  );
}
