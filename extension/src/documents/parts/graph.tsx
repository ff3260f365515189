/**
 * A layered graph: lineage, or the steps of a pipeline.
 *
 * What draws it is loaded when the first graph is shown.
 */

import type { LabIcon } from '@jupyterlab/ui-components';
import React, { lazy, Suspense } from 'react';

import type { Tone } from '../../panel/parts';
import { trans } from '../../translation';
import type { Direction } from './graph-layout';

export interface IGraphNode {
  id: string;
  title: string;
  subtitle?: string;
  icon?: LabIcon;
  tone?: Tone;
  /** The tone in words; without one no dot is shown. */
  status?: string;
  /** Between 0 and 1; a bar at the node's foot. */
  progress?: number | null;
  /** Whether the graph is about this node. */
  central?: boolean;
  /** Drawn pale: what is there but does not count now. */
  pale?: boolean;
}

export interface IGraphEdge {
  from: string;
  to: string;
  /** For what is only probable, or optional. */
  dashed?: boolean;
}

export interface IGraphProps {
  /** What the graph shows, for a screen reader. */
  label: string;
  nodes: IGraphNode[];
  edges: IGraphEdge[];
  direction?: Direction;
  selected?: string | null;
  /** A node was chosen by a click or by the space bar; without it, a click opens. */
  onSelect?: (id: string) => void;
  /** A node was opened by a double click or by the enter key. */
  onOpen?: (id: string) => void;
  /** Shown at the upper left, over the graph. */
  children?: React.ReactNode;
}

const Canvas = lazy(() => import('./graph-canvas'));

export function Graph(props: IGraphProps): JSX.Element {
  return (
    <Suspense
      fallback={
        <div
          className="mlnb-Graph"
          role="status"
          aria-label={trans.__('Drawing…')}
        />
      }
    >
      <Canvas {...props} />
    </Suspense>
  );
}
