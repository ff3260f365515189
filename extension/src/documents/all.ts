/** All kinds of documents. */

import type { DocumentKind } from '../tokens';
import { compare } from './compare';
import { dataset } from './dataset';
import { endpoint } from './endpoint';
import { job } from './job';
import { lineage } from './lineage';
import { model } from './model';
import { pipeline } from './pipeline';
import { run } from './run';
import type { IDocumentKind } from './kinds';

export const KINDS: { readonly [kind in DocumentKind]: IDocumentKind } = {
  run,
  compare,
  dataset,
  model,
  endpoint,
  pipeline,
  lineage,
  job
};
