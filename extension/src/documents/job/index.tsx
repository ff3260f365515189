/** Background jobs: the list (`all`), or one with its output. */

import React from 'react';

import { mlnbIcon } from '../../icons';
import { trans } from '../../translation';
import type { IDocumentKind } from '../kinds';
import { JobList } from './list';
import { JobView } from './view';

export const ALL = 'all';

export const job: IDocumentKind = {
  kind: 'job',
  icon: mlnbIcon,
  title: id =>
    id === ALL ? trans.__('Background jobs') : trans.__('Job %1', id),
  Component: ({ id }) => (id === ALL ? <JobList /> : <JobView id={id} />)
};
