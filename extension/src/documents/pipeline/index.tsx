/** Pipelines: all (`all`), a pipeline file (`file:PATH`), or one run by its id. */

import React from 'react';

import { mlnbIcon } from '../../icons';
import { trans } from '../../translation';
import type { IDocumentKind } from '../kinds';
import { DefinitionView } from './definition';
import { PipelinesView } from './overview';
import { RunView } from './run';

const ALL = 'all';
const FILE = 'file:';

function Document({ id }: { id: string }): JSX.Element {
  if (id === ALL) {
    return <PipelinesView />;
  }
  return id.startsWith(FILE) ? (
    <DefinitionView path={id.slice(FILE.length)} />
  ) : (
    <RunView id={id} />
  );
}

export const pipeline: IDocumentKind = {
  kind: 'pipeline',
  icon: mlnbIcon,
  title: id =>
    id === ALL
      ? trans.__('Pipelines')
      : id.startsWith(FILE)
        ? id.slice(FILE.length)
        : id,
  Component: Document
};
