/** The card of what changed from one version of a table to another. */

import React from 'react';

import type { CellSample, ColumnDifference, DatasetDiff } from '../records';
import { number } from '../text';
import { trans } from '../translation';
import { Card, Figures, Folded, Grid, More, Note, Part } from './card';
import { share } from './dataset';
import { Shape } from '../histogram';

const SHOWN = 40;
/** Below this population stability index a distribution is called stable. */
const MOVED = 0.1;
/** How a missing value is written, in any language. */
const NULL = 'null';
const SIGNS = { added: '+', removed: '−', changed: '~' } as const;

export function DiffCard({
  record: diff
}: {
  record: DatasetDiff;
}): JSX.Element {
  const before = `${diff.before.name}@${diff.before.number}`;
  const after = `${diff.after.name}@${diff.after.number}`;
  return (
    <Card
      kind={trans.__('Difference')}
      title={`${before} → ${after}`}
      document={['dataset', after]}
      facts={[[trans.__('message'), diff.after.message]]}
    >
      {diff.identical ? (
        <Note>{trans.__('The same content.')}</Note>
      ) : (
        <>
          <Figures
            figures={[
              [trans.__('rows added'), `+${number(diff.rows_added)}`, 'good'],
              [
                trans.__('rows removed'),
                `−${number(diff.rows_removed)}`,
                'bad'
              ],
              [
                trans.__('rows changed'),
                diff.rows_changed === null
                  ? '?'
                  : `~${number(diff.rows_changed)}`,
                'busy'
              ],
              [trans.__('rows kept'), number(diff.rows_kept)]
            ]}
          />
          <Schema diff={diff} />
          <Changed diff={diff} />
          <Rows diff={diff} />
          <Note>{matched(diff)}</Note>
        </>
      )}
    </Card>
  );
}

function matched(diff: DatasetDiff): string {
  return diff.key.length
    ? trans.__('Rows are matched by %1.', diff.key.join(', '))
    : trans.__(
        'No column identifies a row: a changed row is one removed and one added.'
      );
}

/** What changed of the columns themselves. */
function Schema({ diff }: { diff: DatasetDiff }): JSX.Element | null {
  const lines: [sign: string, name: string, what: string][] = [
    ...diff.columns_added.map(
      column => ['+', column.name, column.type] as [string, string, string]
    ),
    ...diff.columns_removed.map(
      column => ['−', column.name, column.type] as [string, string, string]
    ),
    ...diff.columns_changed.map(
      one =>
        ['~', one.name, `${one.before} → ${one.after}`] as [
          string,
          string,
          string
        ]
    ),
    ...diff.columns_renamed.map(
      one =>
        ['~', one.before, trans.__('is now %1', one.after)] as [
          string,
          string,
          string
        ]
    )
  ];
  return lines.length ? (
    <Part title={trans.__('Columns')}>
      <ul className="mlnb-Result-signs">
        {lines.slice(0, SHOWN).map(([sign, name, what]) => (
          <li key={`${sign}${name}`} data-sign={sign}>
            <b>{sign}</b> <code>{name}</code> {what}
          </li>
        ))}
      </ul>
      {lines.length > SHOWN && (
        <Note>{trans.__('… and %1 more', number(lines.length - SHOWN))}</Note>
      )}
    </Part>
  ) : null;
}

function Changed({ diff }: { diff: DatasetDiff }): JSX.Element | null {
  const rows = diff.rows_kept + (diff.rows_changed ?? 0);
  const changed = diff.columns.filter(
    column => column.cells !== 0 || (column.psi ?? 0) >= MOVED
  );
  return changed.length ? (
    <Part title={trans.__('Values')}>
      <Grid
        label={trans.__('Columns whose values changed')}
        columns={[
          { label: trans.__('column') },
          { label: trans.__('cells'), number: true },
          { label: trans.__('of rows'), number: true },
          { label: trans.__('some of them') },
          { label: trans.__('moved') },
          { label: trans.__('distribution') }
        ]}
      >
        {changed.slice(0, SHOWN).map(column => (
          <tr key={column.name}>
            <th scope="row" title={column.name}>
              {column.name}
            </th>
            <td className="mlnb-mod-number">
              {column.cells ? number(column.cells) : ''}
            </td>
            <td className="mlnb-mod-number">
              {share(column.cells ?? 0, rows)}
            </td>
            <td>
              {column.samples.slice(0, 3).map((sample, at) => (
                <Sample key={at} sample={sample} />
              ))}
            </td>
            <td>{moved(column)}</td>
            <td>
              <Shape
                now={column.after?.histogram ?? null}
                before={column.before?.histogram}
              />
            </td>
          </tr>
        ))}
      </Grid>
      <More place="columns" shown={Math.max(SHOWN, diff.columns.length)} />
    </Part>
  ) : null;
}

function moved({ psi }: ColumnDifference): string {
  return psi !== null && psi >= MOVED ? `PSI ${psi.toFixed(2)}` : '';
}

function Sample({ sample }: { sample: CellSample }): JSX.Element {
  return (
    <div className="mlnb-Result-sample">
      <span className="mlnb-mod-dim">{sample.place}</span>{' '}
      <del>{sample.before ?? NULL}</del> → <ins>{sample.after ?? NULL}</ins>
    </div>
  );
}

function Rows({ diff }: { diff: DatasetDiff }): JSX.Element | null {
  const samples = diff.row_samples;
  return samples.length ? (
    <Folded
      title={trans._n(
        '%1 row as an example',
        '%1 rows as examples',
        samples.length
      )}
    >
      <Grid
        label={trans.__('Rows')}
        columns={[
          { label: '±' },
          { label: trans.__('row'), number: true },
          ...diff.sample_columns.slice(0, 12).map(label => ({ label }))
        ]}
      >
        {samples.map(row => (
          <tr key={`${row.change}${row.row}`} data-sign={SIGNS[row.change]}>
            <td>
              <b>{SIGNS[row.change]}</b>
            </td>
            <td className="mlnb-mod-number">{number(row.row)}</td>
            {row.values.slice(0, 12).map((value, at) => (
              <td key={at}>{value ?? <i>{NULL}</i>}</td>
            ))}
          </tr>
        ))}
      </Grid>
    </Folded>
  ) : null;
}
