/** What can be done with a version of a dataset; each is a line of the grammar. */

import { addIcon, Button, historyIcon } from '@jupyterlab/ui-components';
import React from 'react';

import type { DatasetDocument } from '../../records';
import { trans } from '../../translation';
import { useDocument } from '../context';
import { ActionButton } from '../parts/action';
import { ask, word } from '../parts/ask';
import { LineageButton } from '../parts/lineage-button';
import { variable } from './words';

export function DatasetActions({
  found
}: {
  found: DatasetDocument;
}): JSX.Element {
  const { actions } = useDocument();
  const { version } = found;
  const ref = `${version.name}@${version.number}`;
  const load = `%dataset load ${ref} --into ${variable(version.name)}`;
  return (
    <>
      {version.kind !== 'files' && (
        <Button
          minimal
          small
          className="mlnb-Action"
          title={load}
          onClick={() => actions.insert(load)}
        >
          <addIcon.react tag="span" />
          {trans.__('Insert load line')}
        </Button>
      )}
      <ActionButton
        label={trans.__('Tag…')}
        line={() => tagged(ref)}
        example={`%dataset tag ${ref} TAG`}
      />
      {version.kind === 'files' && (
        <ActionButton
          label={trans.__('Check out…')}
          line={() => checkedOut(ref, version.name)}
          example={`%dataset checkout ${ref} FOLDER`}
        />
      )}
      {found.remote && (
        <ActionButton label={trans.__('Push')} line={`%dataset push ${ref}`} />
      )}
      {version.number !== found.newest && (
        <ActionButton
          label={trans.__('Restore…')}
          icon={historyIcon}
          line={() => restored(ref)}
          example={`%dataset restore ${ref}`}
        />
      )}
      <LineageButton kind="dataset" id={ref} />
    </>
  );
}

async function tagged(ref: string): Promise<string | null> {
  const chosen = await ask({
    title: trans.__('Tag %1', ref),
    text: trans.__('A tag of that name that points elsewhere moves here.'),
    fields: [
      {
        name: 'tag',
        label: trans.__('Tag'),
        placeholder: trans.__('gold'),
        required: true
      }
    ],
    accept: trans.__('Tag')
  });
  const tag = chosen?.tag?.trim();
  return tag ? `%dataset tag ${ref} ${word(tag)}` : null;
}

async function checkedOut(ref: string, name: string): Promise<string | null> {
  const chosen = await ask({
    title: trans.__('Check out %1', ref),
    text: trans.__('Files that were changed in the folder are left alone.'),
    fields: [
      {
        name: 'folder',
        label: trans.__('Folder'),
        value: name,
        required: true
      }
    ],
    accept: trans.__('Check out')
  });
  const folder = chosen?.folder?.trim();
  return folder ? `%dataset checkout ${ref} ${word(folder)}` : null;
}

async function restored(ref: string): Promise<string | null> {
  const chosen = await ask({
    title: trans.__('Restore %1', ref),
    text: trans.__('Its content becomes the newest version.'),
    fields: [{ name: 'why', label: trans.__('Why') }],
    accept: trans.__('Restore')
  });
  if (!chosen) {
    return null;
  }
  const why = chosen.why?.trim();
  return `%dataset restore ${ref}${why ? ` -m ${word(why)}` : ''}`;
}
