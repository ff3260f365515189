/** The nodes of a lineage, as a graph shows them. */

import { runIcon } from '@jupyterlab/ui-components';
import type { LabIcon } from '@jupyterlab/ui-components';

import { datasetIcon, endpointIcon, lineageIcon, modelIcon } from '../../icons';
import type { Tone } from '../../panel/parts';
import type { LineageNode } from '../../records';
import { trans } from '../../translation';
import type { IGraphNode } from '../parts/graph';

export const ICONS: { readonly [kind in LineageNode['kind']]: LabIcon } = {
  dataset: datasetIcon,
  run: runIcon,
  model: modelIcon,
  endpoint: endpointIcon,
  more: lineageIcon
};

const TONES: { readonly [status: string]: Tone } = {
  finished: 'good',
  'passed its gate': 'good',
  running: 'busy',
  starting: 'busy',
  failed: 'bad',
  killed: 'bad',
  'refused by its gate': 'bad'
};

export function toneOf(node: LineageNode): Tone {
  return node.kind === 'endpoint' && node.status === 'running'
    ? 'good'
    : (TONES[node.status] ?? 'idle');
}

/** What kind of thing it is, in words. */
export function kindOf(node: LineageNode): string {
  return {
    dataset: trans.__('Dataset version'),
    run: trans.__('Run'),
    model: trans.__('Model version'),
    endpoint: trans.__('Endpoint'),
    more: trans.__('Not shown yet')
  }[node.kind];
}

export function graphNode(node: LineageNode, center: string): IGraphNode {
  const { known } = node;
  return {
    id: node.id,
    title: node.title,
    subtitle: known ? subtitle(node) : trans.__('not in this store any more'),
    icon: ICONS[node.kind],
    tone: toneOf(node),
    status: node.status ? statusOf(node) : undefined,
    central: node.id === center,
    pale: !known
  };
}

function subtitle(node: LineageNode): string {
  return node.kind === 'more' ? trans.__('open to show them') : node.detail;
}

/** The server's word for a status, in the language of the page. */
export function statusOf(node: LineageNode): string {
  const words: { [status: string]: string } = {
    pending: trans.__('pending'),
    running: trans.__('running'),
    finished: trans.__('finished'),
    failed: trans.__('failed'),
    killed: trans.__('killed'),
    starting: trans.__('starting'),
    stopped: trans.__('stopped'),
    'passed its gate': trans.__('passed its gate'),
    'refused by its gate': trans.__('refused by its gate')
  };
  return words[node.status] ?? node.status;
}
