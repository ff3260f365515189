/** What each column of a version holds. */

import { Button } from '@jupyterlab/ui-components';
import React, { useEffect, useState } from 'react';

import { Facts, ProblemBox } from '../../panel/parts';
import type { ColumnProfile, DatasetDocument } from '../../records';
import { number } from '../../text';
import { trans } from '../../translation';
import { useAnswer } from '../answer';
import { has, Search } from '../parts/fields';
import { Card } from '../parts/frame';
import { Shape } from '../../histogram';
import { distinct, figures, range, share } from './words';
import { Wide } from './wide';

const SEARCHED = 8;

export function Profile({
  found
}: {
  found: DatasetDocument;
}): JSX.Element | null {
  const { version } = found;
  const [more, setMore] = useState<ColumnProfile[]>([]);
  const [next, setNext] = useState<number | null>(null);
  const [query, setQuery] = useState('');
  const key = `${version.name}@${version.number}`;
  useEffect(() => {
    setMore([]);
    setNext(null);
  }, [key]);
  const columns = [...found.columns, ...more];
  const fitting = columns.filter(
    column => !query || has(query, `${column.name} ${column.type}`)
  );
  const left = found.columns_total - columns.length;
  if (!columns.length) {
    return null;
  }
  return (
    <Card
      wide
      title={trans.__('Columns (%1)', number(found.columns_total))}
      aside={
        columns.length > SEARCHED && (
          <Search
            label={trans.__('Filter columns')}
            value={query}
            onChange={setQuery}
          />
        )
      }
    >
      <Wide label={trans.__('Columns')}>
        <table className="mlnb-Grid mlnb-Profile">
          <thead>
            <tr>
              <th scope="col">{trans.__('column')}</th>
              <th scope="col">{trans.__('type')}</th>
              <th scope="col" className="mlnb-mod-number">
                {trans.__('nulls')}
              </th>
              <th scope="col" className="mlnb-mod-number">
                {trans.__('distinct')}
              </th>
              <th scope="col">{trans.__('values')}</th>
              <th scope="col">{trans.__('shape')}</th>
            </tr>
          </thead>
          <tbody>
            {fitting.map(column => (
              <ColumnRow
                key={column.name}
                column={column}
                rows={version.rows}
              />
            ))}
          </tbody>
        </table>
      </Wide>
      {!fitting.length && (
        <p className="mlnb-Empty">
          {trans.__('Nothing here matches “%1”.', query)}
        </p>
      )}
      {left > 0 && next !== columns.length && (
        <Button minimal small onClick={() => setNext(columns.length)}>
          {trans.__('Show more columns (%1)', number(left))}
        </Button>
      )}
      {left > 0 && next === columns.length && (
        <More
          key={next}
          dataset={version.name}
          version={String(version.number)}
          skip={next}
          onColumns={got => setMore([...more, ...got])}
        />
      )}
    </Card>
  );
}

function More({
  dataset,
  version,
  skip,
  onColumns
}: {
  dataset: string;
  version: string;
  skip: number;
  onColumns: (columns: ColumnProfile[]) => void;
}): JSX.Element {
  const { data, problem } = useAnswer('GET /datasets/{dataset}', {
    dataset,
    version,
    skip
  });
  useEffect(() => {
    if (data) {
      onColumns(data.columns);
    }
    // eslint-disable-next-line react-hooks/exhaustive-deps -- once for each answer
  }, [data]);
  return problem ? (
    <ProblemBox problem={problem} />
  ) : (
    <p className="mlnb-Empty">{trans.__('Reading…')}</p>
  );
}

function ColumnRow({
  column,
  rows
}: {
  column: ColumnProfile;
  rows: number;
}): JSX.Element {
  const [open, setOpen] = useState(false);
  const details = figures(column);
  const closer = details.length > 0 || column.top.length > 0;
  return (
    <>
      <tr>
        <th scope="row" title={column.name}>
          {closer ? (
            <button
              type="button"
              className="mlnb-Link mlnb-mod-quiet"
              aria-expanded={open}
              onClick={() => setOpen(!open)}
            >
              {column.name}
            </button>
          ) : (
            column.name
          )}
        </th>
        <td title={column.type}>{column.type}</td>
        <td
          className={`mlnb-mod-number${column.nulls ? ' mlnb-mod-marked' : ''}`}
          title={number(column.nulls)}
        >
          {share(column.nulls, rows)}
        </td>
        <td className="mlnb-mod-number">{distinct(column)}</td>
        <td title={range(column)}>{range(column)}</td>
        <td>
          <Shape now={column.histogram} />
        </td>
      </tr>
      {open && (
        <tr className="mlnb-Profile-more">
          <td colSpan={6}>
            <div>
              <Facts facts={details} />
              {column.top.length > 0 && (
                <Facts
                  facts={column.top.map(item => [
                    item.value || trans.__('(empty)'),
                    `×${number(item.count)}`
                  ])}
                />
              )}
            </div>
          </td>
        </tr>
      )}
    </>
  );
}
