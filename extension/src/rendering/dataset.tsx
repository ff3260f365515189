/** The cards of a dataset version and of its profile. */

import React, { useState } from 'react';

import type { ColumnProfile, DatasetProfile, DatasetVersion } from '../records';
import { number, size } from '../text';
import { trans } from '../translation';
import { Card, Folded, Grid, Note, Pairs } from './card';
import { useTotal } from './context';
import { Shape } from '../histogram';
import { moment } from './moment';

export function VersionCard({
  record: version
}: {
  record: DatasetVersion;
}): JSX.Element {
  const held = version.columns.length;
  const amount = useTotal('columns', held);
  return (
    <Version version={version} columns={amount}>
      {version.unchanged && (
        <Note>
          {trans.__(
            'This version has exactly this content already: no new one was made.'
          )}
        </Note>
      )}
      {held > 0 && (
        <Folded title={trans._n('%1 column', '%1 columns', amount)}>
          <Pairs
            pairs={Object.fromEntries(
              version.columns.map(column => [column.name, column.type])
            )}
          />
          <Rest amount={amount - held} />
        </Folded>
      )}
    </Version>
  );
}

/** Says how many more there are. */
function Rest({ amount }: { amount: number }): JSX.Element | null {
  return amount > 0 ? (
    <Note>{trans.__('… and %1 more', number(amount))}</Note>
  ) : null;
}

function Version({
  version,
  columns,
  children
}: {
  version: DatasetVersion;
  columns: number;
  children: React.ReactNode;
}): JSX.Element {
  const files = version.kind === 'files';
  return (
    <Card
      kind={files ? trans.__('Files') : trans.__('Dataset')}
      title={`${version.name}@${version.number}`}
      document={['dataset', `${version.name}@${version.number}`]}
      facts={[
        [trans.__('message'), version.message],
        [files ? trans.__('files') : trans.__('rows'), number(version.rows)],
        [trans.__('columns'), !files && number(columns)],
        [trans.__('size'), size(version.bytes)],
        [trans.__('tags'), version.tags.join(', ')],
        [trans.__('author'), version.author],
        [trans.__('saved'), moment(version.created)]
      ]}
    >
      {children}
    </Card>
  );
}

export function ProfileCard({
  record: profile
}: {
  record: DatasetProfile;
}): JSX.Element {
  const { version, sampled } = profile;
  const amount = useTotal('columns', profile.columns.length);
  return (
    <Version version={version} columns={amount}>
      <Columns columns={profile.columns} amount={amount} rows={version.rows} />
      {sampled !== null && (
        <Note>
          {trans.__(
            'Medians, shapes and common values are those of %1 evenly spaced rows.',
            number(sampled)
          )}
        </Note>
      )}
    </Version>
  );
}

const FILTERED = 12;
/** So many columns are drawn at once: the filter leads to the others. */
const DRAWN = 100;

function Columns({
  columns,
  amount,
  rows
}: {
  columns: ColumnProfile[];
  /** How many there are; a notebook may hold fewer. */
  amount: number;
  rows: number;
}): JSX.Element {
  const [query, setQuery] = useState('');
  const words = query.trim().toLowerCase();
  const found = columns.filter(
    column =>
      !words || `${column.name} ${column.type}`.toLowerCase().includes(words)
  );
  return (
    <>
      {columns.length > FILTERED && (
        <div className="mlnb-Result-filter">
          <input
            type="search"
            className="jp-mod-styled"
            placeholder={trans.__('Filter columns')}
            aria-label={trans.__('Filter columns')}
            value={query}
            onChange={event => setQuery(event.target.value)}
          />
          <span role="status">
            {trans.__('%1 of %2 columns', number(found.length), number(amount))}
          </span>
        </div>
      )}
      <Grid
        label={trans.__('Columns')}
        columns={[
          { label: trans.__('column') },
          { label: trans.__('type') },
          { label: trans.__('nulls'), number: true },
          { label: trans.__('distinct'), number: true },
          { label: trans.__('values') },
          { label: trans.__('shape') }
        ]}
      >
        {found.slice(0, DRAWN).map(column => (
          <tr key={column.name}>
            <th scope="row" title={column.name}>
              {column.name}
            </th>
            <td className="mlnb-mod-dim">{column.type}</td>
            <td className="mlnb-mod-number">{share(column.nulls, rows)}</td>
            <td className="mlnb-mod-number">
              {column.distinct !== null &&
                (column.estimated ? '≈ ' : '') + number(column.distinct)}
            </td>
            <td>{values(column)}</td>
            <td>
              <Shape now={column.histogram} />
            </td>
          </tr>
        ))}
      </Grid>
      <Rest
        amount={(words ? found.length : amount) - Math.min(found.length, DRAWN)}
      />
    </>
  );
}

/** A part in per cent; nothing for none. */
export function share(part: number, whole: number): string {
  if (!part || !whole) {
    return '';
  }
  return part / whole < 0.001
    ? '<0.1%'
    : `${((100 * part) / whole).toFixed(1)}%`;
}

/** Minimum, median and maximum, or the most common values where there is no order. */
function values(column: ColumnProfile): string {
  if (column.minimum !== null) {
    return [column.minimum, column.quantiles['0.5'] ?? null, column.maximum]
      .filter(value => value !== null)
      .map(scalar)
      .join(' … ');
  }
  return column.top
    .slice(0, 3)
    .map(item => `${item.value} ×${number(item.count)}`)
    .join(', ');
}

function scalar(value: number | string | boolean): string {
  return typeof value === 'number' ? number(value) : String(value);
}
