/** Two versions of a model side by side. */

import React from 'react';

import type { ModelVersionDocument } from '../../records';
import { number } from '../../text';
import { trans } from '../../translation';
import { Card } from '../parts/frame';

interface ILine {
  name: string;
  before: string;
  after: string;
  change: string;
}

export function Comparison({
  before,
  after
}: {
  before: ModelVersionDocument;
  after: ModelVersionDocument;
}): JSX.Element {
  const groups: [string, ILine[]][] = [
    [trans.__('Metrics'), metricLines(before, after)],
    [trans.__('Parameters'), parameterLines(before, after)],
    [trans.__('Inputs'), inputLines(before, after)],
    [trans.__('About'), factLines(before, after)]
  ];
  const [a, b] = [before.version.number, after.version.number];
  return (
    <Card wide title={trans.__('Version %1 against version %2', b, a)}>
      <div
        className="mlnb-Scroll"
        tabIndex={0}
        role="region"
        aria-label={trans.__('Comparison')}
      >
        <table className="mlnb-Rows">
          <thead>
            <tr>
              <th scope="col" />
              <th scope="col">{`v${a}`}</th>
              <th scope="col">{`v${b}`}</th>
              <th scope="col">{trans.__('Difference')}</th>
            </tr>
          </thead>
          {groups
            .filter(([, lines]) => lines.length)
            .map(([title, lines]) => (
              <tbody key={title}>
                <tr className="mlnb-Rows-group">
                  <th scope="rowgroup" colSpan={4}>
                    {title}
                  </th>
                </tr>
                {lines.map(line => (
                  <tr
                    key={line.name}
                    className={
                      line.before === line.after ? 'mlnb-mod-same' : ''
                    }
                  >
                    <th scope="row">{line.name}</th>
                    <td>{line.before}</td>
                    <td>{line.after}</td>
                    <td className="mlnb-mod-change">{line.change}</td>
                  </tr>
                ))}
              </tbody>
            ))}
        </table>
      </div>
    </Card>
  );
}

function union(...tables: { [name: string]: unknown }[]): string[] {
  return [...new Set(tables.flatMap(table => Object.keys(table)))].sort();
}

/** The metrics of a version, and those that its newest validation measured. */
function metricsOf(document: ModelVersionDocument): {
  [name: string]: number | null;
} {
  const validated = document.verdicts[0]?.metrics ?? {};
  return {
    ...document.version.metrics,
    ...Object.fromEntries(
      Object.entries(validated).map(([name, value]) => [
        trans.__('%1 (validation)', name),
        value
      ])
    )
  };
}

function metricLines(
  before: ModelVersionDocument,
  after: ModelVersionDocument
): ILine[] {
  const [a, b] = [metricsOf(before), metricsOf(after)];
  return union(a, b).map(name => {
    const [was, is] = [a[name] ?? null, b[name] ?? null];
    const change = was === null || is === null ? null : is - was;
    return {
      name,
      before: was === null ? '' : number(was),
      after: is === null ? '' : number(is),
      change: change
        ? `${change > 0 ? '+' : '−'}${number(Math.abs(change))}`
        : ''
    };
  });
}

function parameterLines(
  before: ModelVersionDocument,
  after: ModelVersionDocument
): ILine[] {
  return lines(before.run?.params ?? {}, after.run?.params ?? {});
}

function inputLines(
  before: ModelVersionDocument,
  after: ModelVersionDocument
): ILine[] {
  const types = (document: ModelVersionDocument): { [name: string]: string } =>
    Object.fromEntries(
      document.version.inputs.map(column => [column.name, column.type])
    );
  return lines(types(before), types(after));
}

function factLines(
  before: ModelVersionDocument,
  after: ModelVersionDocument
): ILine[] {
  const facts = ({
    version,
    run
  }: ModelVersionDocument): {
    [name: string]: string;
  } => ({
    [trans.__('description')]: version.description,
    [trans.__('flavor')]: version.flavor,
    [trans.__('trained on')]: version.data.join(', '),
    [trans.__('notebook')]: run?.notebook ?? '',
    [trans.__('commit')]: run?.git_commit.slice(0, 10) ?? '',
    [trans.__('digest')]: version.digest.slice(0, 12)
  });
  return lines(facts(before), facts(after)).filter(
    line => line.before || line.after
  );
}

function lines(
  a: { [name: string]: string },
  b: { [name: string]: string }
): ILine[] {
  return union(a, b).map(name => {
    const [was = '', is = ''] = [a[name], b[name]];
    const change = !(name in a)
      ? trans.__('new')
      : !(name in b)
        ? trans.__('gone')
        : was === is
          ? ''
          : trans.__('changed');
    return { name, before: was, after: is, change };
  });
}
