/** What a run was made of: code, data, environment. */

import { Button } from '@jupyterlab/ui-components';
import React, { useState } from 'react';

import { Facts, FileLink, ProblemBox } from '../../panel/parts';
import type { RunDetail, RunLink, RunName } from '../../records';
import { trans } from '../../translation';
import { toneOf } from '../../panel/status';
import { Dot } from '../../panel/parts';
import { useAnswer } from '../answer';
import { useDocument } from '../context';
import { Card } from '../parts/frame';
import { ValueTable } from '../parts/values';
import { Text } from './files';

const DIFF = 'git_diff.patch';

/** Notebook, commit, what was not committed; runs above and below. */
export function Code({ detail }: { detail: RunDetail }): JSX.Element {
  const { run, parent, children, facts } = detail;
  const [open, setOpen] = useState(false);
  const kept = detail.files.some(file => file.path === DIFF);
  return (
    <Card title={trans.__('Code')}>
      <Facts
        facts={[
          [
            trans.__('notebook'),
            run.notebook && <FileLink path={run.notebook} />
          ],
          [
            trans.__('script'),
            run.notebook || facts['source'] === 'unknown' ? '' : facts['source']
          ],
          [trans.__('commit'), run.git_commit && run.git_commit.slice(0, 12)],
          [trans.__('branch'), facts['branch']],
          [
            trans.__('uncommitted'),
            run.git_dirty &&
              (kept ? (
                <Button
                  minimal
                  small
                  aria-expanded={open}
                  onClick={() => setOpen(!open)}
                >
                  {open ? trans.__('Hide changes') : trans.__('Show changes')}
                </Button>
              ) : (
                trans.__('changes that were not kept')
              ))
          ],
          [trans.__('experiment'), run.experiment],
          [trans.__('author'), run.author],
          [trans.__('pipeline run'), pipeline(facts)],
          [trans.__('part of'), parent && <Named run={parent} />],
          [trans.__('parts'), children.length > 0 && <Names runs={children} />],
          [trans.__('id'), run.id]
        ].map(([name, value]) => [name as string, value || ''])}
      />
      {open && <Text run={run.id} path={DIFF} />}
    </Card>
  );
}

function pipeline(facts: { [name: string]: string }): string {
  return [facts['pipeline run'], facts['step']].filter(Boolean).join(' · ');
}

function Names({ runs }: { runs: RunName[] }): JSX.Element {
  return (
    <ul>
      {runs.map(run => (
        <li key={run.id}>
          <Named run={run} />
        </li>
      ))}
    </ul>
  );
}

function Named({ run }: { run: RunName }): JSX.Element {
  const { open } = useDocument();
  return (
    <span className="mlnb-Named">
      <Dot tone={toneOf(run.status)} label={run.status.toLowerCase()} />
      <button
        type="button"
        className="mlnb-Link"
        onClick={() => open('run', run.id)}
      >
        {run.name}
      </button>
    </span>
  );
}

/** What was read and written. */
export function Data({ links }: { links: RunLink[] }): JSX.Element | null {
  if (!links.length) {
    return null;
  }
  const side = (direction: RunLink['direction']): React.ReactNode => {
    const found = links.filter(link => link.direction === direction);
    return (
      found.length > 0 && (
        <ul>
          {found.map(link => (
            <li key={`${link.kind} ${link.ref}`}>
              <LinkTo link={link} />
            </li>
          ))}
        </ul>
      )
    );
  };
  return (
    <Card title={trans.__('Data and models')}>
      <Facts
        facts={[
          [trans.__('read'), side('input') || ''],
          [trans.__('wrote'), side('output') || '']
        ]}
      />
    </Card>
  );
}

function LinkTo({ link }: { link: RunLink }): JSX.Element {
  const { open } = useDocument();
  const { kind, ref } = link;
  if (kind === 'other') {
    return <span>{ref}</span>;
  }
  return (
    <button type="button" className="mlnb-Link" onClick={() => open(kind, ref)}>
      {ref}
    </button>
  );
}

const ENVIRONMENT = [
  'Python',
  'operating system',
  'processor',
  'processors',
  'memory (GB)',
  'seeds'
];

/** Where a run ran, and the packages it had. */
export function Environment({ detail }: { detail: RunDetail }): JSX.Element {
  const [open, setOpen] = useState(false);
  return (
    <Card title={trans.__('Environment')}>
      <Facts
        facts={ENVIRONMENT.map(name => [name, detail.facts[name] ?? ''])}
      />
      <Button minimal small aria-expanded={open} onClick={() => setOpen(!open)}>
        {open ? trans.__('Hide packages') : trans.__('Show packages')}
      </Button>
      {open && <Packages run={detail.run.id} />}
    </Card>
  );
}

function Packages({ run }: { run: string }): JSX.Element {
  const { data, problem } = useAnswer('GET /runs/{run}/packages', { run });
  if (problem) {
    return <ProblemBox problem={problem} />;
  }
  if (!data) {
    return <p className="mlnb-Empty">{trans.__('Reading…')}</p>;
  }
  if (!data.packages) {
    return (
      <p className="mlnb-Empty">
        {trans.__('The run has kept no list of its packages.')}
      </p>
    );
  }
  return (
    <ValueTable
      heads={[trans.__('package'), trans.__('version')]}
      search={trans.__('Filter packages')}
      rows={Object.entries(data.packages)}
    />
  );
}
