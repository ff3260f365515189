/** What can be done with a run; each is a line of the grammar. */

import { historyIcon, runIcon, Button } from '@jupyterlab/ui-components';
import React from 'react';

import type { RunRecord, RunSummary } from '../../records';
import { trans } from '../../translation';
import { useDocument } from '../context';
import { ActionButton } from '../parts/action';
import { ask, word } from '../parts/ask';
import { LineageButton } from '../parts/lineage-button';

export function RunActions({ run }: { run: RunRecord }): JSX.Element {
  return (
    <>
      <CompareButton run={run} />
      <LineageButton kind="run" id={run.id} />
      {run.notebook && (
        <ActionButton
          label={trans.__('Run again…')}
          icon={runIcon}
          line={() => again(run)}
          example="%notebook run NOTEBOOK OUTPUT"
          background
        />
      )}
      <ActionButton
        label={trans.__('Restore')}
        icon={historyIcon}
        line={`%runs restore ${run.id.slice(0, 12)}`}
        disabled={run.status === 'RUNNING'}
      />
    </>
  );
}

/** Ask for another run, of those that the panel lists, and open the comparison. */
function CompareButton({ run }: { run: RunRecord }): JSX.Element {
  const { api, folder, open } = useDocument();
  const compare = async (): Promise<void> => {
    const { items } = await api.ask('GET /runs', { folder });
    const others = items.filter(one => one.id !== run.id);
    const called = (one: RunSummary): string =>
      `${one.name} (${one.id.slice(0, 8)})`;
    const chosen = await ask({
      title: trans.__('Compare %1', run.name),
      fields: [
        {
          name: 'run',
          label: trans.__('With'),
          choices: others.map(called)
        }
      ],
      accept: trans.__('Compare')
    });
    const other = others.find(one => called(one) === chosen?.run);
    if (other) {
      open('compare', [run.id, other.id].join(','));
    }
  };
  return (
    <Button
      minimal
      small
      className="mlnb-Action"
      title={`%runs compare ${run.id.slice(0, 8)} …`}
      onClick={() => void compare()}
    >
      {trans.__('Compare…')}
    </Button>
  );
}

async function again(run: RunRecord): Promise<string | null> {
  const name = run.notebook.slice(run.notebook.lastIndexOf('/') + 1);
  const chosen = await ask({
    title: trans.__('Run %1 again', run.notebook),
    text: trans.__('The notebook as it is now runs headless, as a new run.'),
    fields: [
      {
        name: 'output',
        label: trans.__('Write the executed notebook to'),
        value: `executed-${name}`,
        required: true
      }
    ],
    accept: trans.__('Run')
  });
  const output = chosen?.output?.trim();
  return output ? `%notebook run ${word(run.notebook)} ${word(output)}` : null;
}
