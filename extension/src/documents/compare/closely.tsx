/** What only files tell: packages that differ, and the code against that of the first run. */

import { Button } from '@jupyterlab/ui-components';
import React, { useState } from 'react';

import { ProblemBox } from '../../panel/parts';
import type { RunComparison } from '../../records';
import { trans } from '../../translation';
import { useAnswer } from '../answer';
import { Card } from '../parts/frame';

export function Closely({ runs }: { runs: string[] }): JSX.Element {
  const [asked, setAsked] = useState(false);
  return (
    <Card wide title={trans.__('Code and packages')}>
      {asked ? (
        <Answered runs={runs} />
      ) : (
        <Button minimal small onClick={() => setAsked(true)}>
          {trans.__('Compare code and packages')}
        </Button>
      )}
    </Card>
  );
}

function Answered({ runs }: { runs: string[] }): JSX.Element {
  const { data, problem } = useAnswer('GET /compare', {
    run: runs,
    closely: true
  });
  if (problem) {
    return <ProblemBox problem={problem} />;
  }
  if (!data) {
    return <p className="mlnb-Empty">{trans.__('Reading…')}</p>;
  }
  return (
    <>
      <Packages found={data} />
      <Code found={data} />
    </>
  );
}

function Packages({ found }: { found: RunComparison }): JSX.Element {
  const rows = Object.entries(found.packages);
  if (found.packages_same === null) {
    return <p>{trans.__('Not every run has kept a list of its packages.')}</p>;
  }
  if (!rows.length) {
    return <p>{trans.__('All packages are the same.')}</p>;
  }
  return (
    <div
      className="mlnb-Beside"
      tabIndex={0}
      role="region"
      aria-label={trans.__('Packages that differ')}
    >
      <table>
        <thead>
          <tr>
            <th scope="col">{trans.__('package')}</th>
            {found.runs.map(run => (
              <th key={run.id} scope="col">
                {run.name}
              </th>
            ))}
          </tr>
        </thead>
        <tbody>
          {rows.map(([name, versions]) => (
            <tr key={name} className="mlnb-mod-differs">
              <th scope="row">{name}</th>
              {versions.map((version, place) => (
                <td key={place}>{version ?? '–'}</td>
              ))}
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}

function Code({ found }: { found: RunComparison }): JSX.Element {
  const first = found.runs[0]?.name ?? '';
  return (
    <>
      {found.code.map(one => {
        const name = found.runs[one.run]?.name ?? '';
        return (
          <div key={one.run} className="mlnb-Code">
            <h3>{trans.__('%1 against %2', name, first)}</h3>
            {one.lines.length > 0 && (
              <pre className="mlnb-Text" tabIndex={0} aria-label={name}>
                {one.lines.map((line, at) => (
                  <span key={at} className={SIGNS[line.charAt(0)]}>
                    {`${line}\n`}
                  </span>
                ))}
              </pre>
            )}
            {!one.lines.length && !one.note && (
              <p>{trans.__('The code is the same.')}</p>
            )}
            {one.note && <p className="mlnb-Empty">{one.note}</p>}
          </div>
        );
      })}
    </>
  );
}

const SIGNS: { [sign: string]: string } = {
  '+': 'mlnb-mod-added',
  '-': 'mlnb-mod-removed',
  '@': 'mlnb-mod-place'
};
