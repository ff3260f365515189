/** What changed between two versions: columns, rows, cells, or files. */

import { Button } from '@jupyterlab/ui-components';
import React, { useState } from 'react';

import { ProblemBox } from '../../panel/parts';
import type { DatasetDiff } from '../../records';
import { number } from '../../text';
import { trans } from '../../translation';
import { useAnswer } from '../answer';
import { ActionButton } from '../parts/action';
import { Card } from '../parts/frame';
import { Columns, Schema } from './changes';
import { Files } from './files';
import { Rows } from './rows';

export interface IPair {
  before: string;
  after: string;
}

export function Difference({
  dataset,
  pair,
  onPair
}: {
  dataset: string;
  /** Null until somebody asks. */
  pair: IPair | null;
  onPair: (pair: IPair) => void;
}): JSX.Element {
  return (
    <Card
      wide
      title={trans.__('Difference')}
      aside={
        <Between
          key={`${pair?.before} ${pair?.after}`}
          dataset={dataset}
          pair={pair}
          onPair={onPair}
        />
      }
    >
      {pair ? (
        <Found dataset={dataset} pair={pair} />
      ) : (
        <p className="mlnb-Empty">
          {trans.__(
            'Name two versions, by number or tag, or choose “compare” beside one above.'
          )}
        </p>
      )}
    </Card>
  );
}

function Between({
  dataset,
  pair,
  onPair
}: {
  dataset: string;
  pair: IPair | null;
  onPair: (pair: IPair) => void;
}): JSX.Element {
  const [before, setBefore] = useState(pair?.before ?? '');
  const [after, setAfter] = useState(pair?.after ?? 'latest');
  const ready = Boolean(before.trim() && after.trim());
  const field = (
    label: string,
    value: string,
    set: (value: string) => void
  ): JSX.Element => (
    <input
      className="jp-mod-styled"
      aria-label={label}
      placeholder={label}
      value={value}
      size={8}
      onChange={event => set(event.target.value)}
    />
  );
  return (
    <form
      className="mlnb-Fields mlnb-Between"
      onSubmit={event => {
        event.preventDefault();
        if (ready) {
          onPair({ before: before.trim(), after: after.trim() });
        }
      }}
    >
      {field(trans.__('from version'), before, setBefore)}
      <span aria-hidden="true">→</span>
      {field(trans.__('to version'), after, setAfter)}
      <Button small type="submit" disabled={!ready}>
        {trans.__('Compare')}
      </Button>
      {pair && (
        <ActionButton
          label={trans.__('As a line')}
          line={`%dataset diff ${dataset}@${pair.before} ${dataset}@${pair.after}`}
        />
      )}
    </form>
  );
}

function Found({
  dataset,
  pair
}: {
  dataset: string;
  pair: IPair;
}): JSX.Element {
  const { data, problem } = useAnswer('GET /datasets/{dataset}/difference', {
    dataset,
    ...pair
  });
  if (problem) {
    return <ProblemBox problem={problem} />;
  }
  if (!data) {
    return (
      <p className="mlnb-Empty" role="status">
        {trans.__('Comparing…')}
      </p>
    );
  }
  return (
    <>
      {data.table && <Table diff={data.table} />}
      {data.folder && <Files diff={data.folder} more={data.more_files} />}
      {data.more_columns > 0 && (
        <p className="mlnb-Empty">
          {trans.__(
            '%1 more columns with changes are not shown.',
            number(data.more_columns)
          )}
        </p>
      )}
      {data.notes.length > 0 && (
        <ul className="mlnb-Notes">
          {data.notes.map(note => (
            <li key={note}>{note}</li>
          ))}
        </ul>
      )}
    </>
  );
}

/** How many of each kind, as one line of coloured numbers. */
export function Counts({
  counts
}: {
  counts: [string, number | null, '' | 'added' | 'removed' | 'changed'][];
}): JSX.Element {
  return (
    <dl className="mlnb-Counts">
      {counts.map(([name, amount, tone]) => (
        <div key={name} className={tone && amount ? `mlnb-mod-${tone}` : ''}>
          <dd>{amount === null ? '?' : number(amount)}</dd>
          <dt>{name}</dt>
        </div>
      ))}
    </dl>
  );
}

function Table({ diff }: { diff: DatasetDiff }): JSX.Element {
  if (diff.identical) {
    return <p>{trans.__('Both have the same content.')}</p>;
  }
  return (
    <>
      <Counts
        counts={[
          [trans.__('rows added'), diff.rows_added, 'added'],
          [trans.__('rows removed'), diff.rows_removed, 'removed'],
          [trans.__('rows changed'), diff.rows_changed, 'changed'],
          [trans.__('cells changed'), diff.cells_changed, 'changed'],
          [trans.__('rows kept'), diff.rows_kept, '']
        ]}
      />
      <Schema diff={diff} />
      <Columns diff={diff} />
      <Rows diff={diff} />
    </>
  );
}
