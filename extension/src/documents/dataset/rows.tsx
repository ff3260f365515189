/** Some of the rows that were added, removed or changed. */

import { Button } from '@jupyterlab/ui-components';
import React, { useEffect, useState } from 'react';

import type { DatasetDiff, RowSample } from '../../records';
import { number } from '../../text';
import { trans } from '../../translation';
import { Wide } from './wide';
import { NULL } from './words';

const SIGNS: { [kind in RowSample['change']]: string } = {
  added: '+',
  removed: '−',
  changed: '~'
};

export function Rows({ diff }: { diff: DatasetDiff }): JSX.Element | null {
  const [kind, setKind] = useState<RowSample['change'] | null>(null);
  useEffect(() => setKind(null), [diff]);
  if (!diff.row_samples.length) {
    return null;
  }
  const shown = diff.row_samples.filter(row => !kind || row.change === kind);
  const kinds = [...new Set(diff.row_samples.map(row => row.change))];
  const words: { [kind in RowSample['change']]: string } = {
    added: trans.__('added'),
    removed: trans.__('removed'),
    changed: trans.__('changed')
  };
  return (
    <>
      <h3>{trans.__('Some of the rows')}</h3>
      {kinds.length > 1 && (
        <div className="mlnb-Fields" role="group" aria-label={trans.__('Rows')}>
          {kinds.map(one => (
            <Button
              key={one}
              minimal
              small
              aria-pressed={kind === one}
              onClick={() => setKind(kind === one ? null : one)}
            >
              {`${SIGNS[one]} ${words[one]}`}
            </Button>
          ))}
        </div>
      )}
      <Wide label={trans.__('Some of the rows')} tall>
        <table className="mlnb-Grid">
          <thead>
            <tr>
              <th scope="col">{trans.__('change')}</th>
              <th scope="col" className="mlnb-mod-number">
                {trans.__('row')}
              </th>
              {diff.sample_columns.map(name => (
                <th key={name} scope="col" title={name}>
                  {name}
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {shown.map(row => (
              <tr
                key={`${row.change} ${row.row}`}
                className={`mlnb-mod-${row.change}`}
              >
                <td>{`${SIGNS[row.change]} ${words[row.change]}`}</td>
                <td className="mlnb-mod-number">{number(row.row)}</td>
                {row.values.map((value, place) => (
                  <td key={place} title={value ?? NULL}>
                    {value ?? <span className="mlnb-Beside-none">{NULL}</span>}
                  </td>
                ))}
              </tr>
            ))}
          </tbody>
        </table>
      </Wide>
    </>
  );
}
