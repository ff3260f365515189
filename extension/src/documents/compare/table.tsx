/** Runs side by side: a column each, a row for everything that may differ. */

import { Button, closeIcon } from '@jupyterlab/ui-components';
import React, { useState } from 'react';

import { Ago, Dot, IconButton } from '../../panel/parts';
import { toneOf } from '../../panel/status';
import type { RunComparison } from '../../records';
import { duration } from '../../text';
import { trans } from '../../translation';
import { useDocument } from '../context';
import { colourVariable } from '../parts/chart-data';
import { Check, has, Search } from '../parts/fields';
import { Card } from '../parts/frame';

const FIRST = 60;

interface IRow {
  group: string;
  name: string;
  cells: React.ReactNode[];
  differs: boolean;
  numbers?: boolean;
}

export interface ITableProps {
  found: RunComparison;
  chosen: boolean[];
  lit: number | null;
  onLight: (run: number | null) => void;
  /** Null where too few would be left. */
  onRemove: ((run: number) => void) | null;
}

export function RunsTable(props: ITableProps): JSX.Element {
  const { found, chosen, lit, onLight, onRemove } = props;
  const { open } = useDocument();
  const [only, setOnly] = useState(false);
  const [query, setQuery] = useState('');
  const [most, setMost] = useState(FIRST);
  const rows = rowsOf(found);
  const fitting = rows.filter(
    row =>
      (!only || row.differs) &&
      (!query || has(query, `${row.group} ${row.name}`))
  );
  const shown = fitting.slice(0, most);
  const out = (run: number): string =>
    `${chosen[run] ? '' : 'mlnb-mod-out'}${run === lit ? ' mlnb-mod-lit' : ''}`;
  return (
    <Card
      wide
      title={trans.__('Side by side')}
      aside={
        <span className="mlnb-Fields">
          <Search
            label={trans.__('Filter rows')}
            value={query}
            onChange={setQuery}
          />
          <Check
            label={trans.__('Only what differs')}
            checked={only}
            onChange={setOnly}
          />
        </span>
      }
    >
      <div
        className="mlnb-Beside"
        tabIndex={0}
        role="region"
        aria-label={trans.__('Side by side')}
      >
        <table onPointerLeave={() => onLight(null)}>
          <thead>
            <tr>
              <td />
              {found.runs.map((run, place) => (
                <th
                  key={run.id}
                  scope="col"
                  className={out(place)}
                  onPointerEnter={() => onLight(place)}
                >
                  <span className="mlnb-Beside-run">
                    <i
                      style={{ background: `var(${colourVariable(place)})` }}
                    />
                    <button
                      type="button"
                      className="mlnb-Link"
                      title={`${run.name} (${run.id.slice(0, 8)})`}
                      onClick={() => open('run', run.id)}
                    >
                      {run.name}
                    </button>
                    {onRemove && (
                      <IconButton
                        icon={closeIcon}
                        label={trans.__('Leave out %1', run.name)}
                        onClick={() => onRemove(place)}
                      />
                    )}
                  </span>
                </th>
              ))}
            </tr>
          </thead>
          <tbody>
            {shown.map((row, at) => (
              <React.Fragment key={`${row.group} ${row.name}`}>
                {row.group !== shown[at - 1]?.group && (
                  <tr className="mlnb-Beside-group">
                    <th scope="rowgroup" colSpan={found.runs.length + 1}>
                      <span>{row.group}</span>
                    </th>
                  </tr>
                )}
                <tr className={row.differs ? 'mlnb-mod-differs' : ''}>
                  <th scope="row" title={row.name}>
                    {row.name}
                  </th>
                  {row.cells.map((cell, place) => (
                    <td
                      key={place}
                      className={`${out(place)}${row.numbers ? ' mlnb-mod-number' : ''}`}
                      onPointerEnter={() => onLight(place)}
                    >
                      {cell ?? <span className="mlnb-Beside-none">–</span>}
                    </td>
                  ))}
                </tr>
              </React.Fragment>
            ))}
          </tbody>
        </table>
      </div>
      {!fitting.length && (
        <p className="mlnb-Empty">
          {query
            ? trans.__('Nothing here matches “%1”.', query)
            : trans.__('The runs differ in nothing that is listed.')}
        </p>
      )}
      {fitting.length > shown.length && (
        <Button minimal small onClick={() => setMost(most * 4)}>
          {trans.__('Show more (%1)', String(fitting.length - shown.length))}
        </Button>
      )}
    </Card>
  );
}

function rowsOf(found: RunComparison): IRow[] {
  const different = new Set(found.different);
  const { runs } = found;
  const differ = (cells: unknown[]): boolean => new Set(cells).size > 1;
  const run = trans.__('Run');
  const took = runs.map(one =>
    one.ended ? duration(one.started, one.ended) : null
  );
  const data = found.inputs.map(refs => refs.join(', ') || null);
  const about: IRow[] = [
    {
      group: run,
      name: trans.__('status'),
      cells: runs.map(one => (
        <span key={one.id} className="mlnb-Named">
          <Dot tone={toneOf(one.status)} label={one.status.toLowerCase()} />
          {one.status.toLowerCase()}
        </span>
      )),
      differs: differ(runs.map(one => one.status))
    },
    {
      group: run,
      name: trans.__('started'),
      cells: runs.map(one => <Ago key={one.id} time={one.started} />),
      differs: false
    },
    {
      group: run,
      name: trans.__('took'),
      cells: took,
      differs: differ(took)
    },
    {
      group: run,
      name: trans.__('data'),
      cells: data,
      differs: differ(data)
    }
  ];
  return [
    ...about.filter(row => row.cells.some(cell => cell !== null)),
    ...Object.entries(found.metrics).map(([name, values]) => ({
      group: trans.__('Metrics'),
      name,
      cells: values.map(value => (value === null ? null : exact(value))),
      differs: different.has(name),
      numbers: true
    })),
    ...Object.entries(found.params).map(([name, values]) => ({
      group: trans.__('Parameters'),
      name,
      cells: values,
      differs: different.has(name)
    })),
    ...Object.entries(found.facts).map(([name, values]) => ({
      group: trans.__('Ran on'),
      name,
      cells: values.map(value => value || null),
      differs: differ(values)
    }))
  ];
}

function exact(value: number): string {
  return value.toLocaleString('en', { maximumSignificantDigits: 6 });
}
