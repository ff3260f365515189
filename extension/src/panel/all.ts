/** All lists of the panel. */

import { datasets } from '../datasets/list';
import { endpoints } from '../endpoints/list';
import { models } from '../models/list';
import { pipelines } from '../pipelines/list';
import { runs } from '../runs/list';
import type { Section } from '../tokens';
import type { IList } from './list';

export const LISTS: { readonly [S in Section]: IList<S> } = {
  runs,
  datasets,
  models,
  endpoints,
  pipelines
};
