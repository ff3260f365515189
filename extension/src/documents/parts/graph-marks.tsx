/** What a graph is drawn of: edges of SVG, and nodes that are buttons. */

import React, { memo, useId } from 'react';

import { Dot } from '../../panel/parts';
import { trans } from '../../translation';
import type { IGraphEdge, IGraphNode } from './graph';
import type { IBox, ILayout } from './graph-layout';

export function Edges({
  edges,
  layout,
  active
}: {
  edges: IGraphEdge[];
  layout: ILayout;
  /** The node whose edges stand out. */
  active: string | null;
}): JSX.Element {
  const id = useId();
  const isActive = (edge: IGraphEdge): boolean =>
    active !== null && (edge.from === active || edge.to === active);
  const path = (edge: IGraphEdge, index: number): JSX.Element => {
    const kind = isActive(edge) ? 'active' : 'plain';
    return (
      <path
        key={`${index}`}
        d={layout.paths[index]}
        className={`mlnb-mod-${kind} ${edge.dashed ? 'mlnb-mod-dashed' : ''}`}
        markerEnd={`url(#${id}-${kind})`}
      />
    );
  };
  const drawn = edges
    .map((edge, index) => [edge, index] as const)
    .filter(([, index]) => layout.paths[index]);
  return (
    <svg
      className="mlnb-Graph-edges"
      width={layout.width}
      height={layout.height}
      aria-hidden="true"
      focusable="false"
    >
      <defs>
        {['plain', 'active'].map(kind => (
          <marker
            key={kind}
            id={`${id}-${kind}`}
            className={`mlnb-mod-${kind}`}
            viewBox="0 0 8 8"
            refX="7"
            refY="4"
            markerWidth="8"
            markerHeight="8"
            markerUnits="userSpaceOnUse"
            orient="auto"
          >
            <path d="M0,0.5L7.5,4L0,7.5z" />
          </marker>
        ))}
      </defs>
      {drawn
        .filter(([edge]) => !isActive(edge))
        .map(([edge, index]) => path(edge, index))}
      {drawn
        .filter(([edge]) => isActive(edge))
        .map(([edge, index]) => path(edge, index))}
    </svg>
  );
}

export interface INodeProps {
  node: IGraphNode;
  box: IBox | undefined;
  /** Whether the tab key leads here. */
  stop: boolean;
  selected: boolean;
  /** The titles of those before and after it. */
  before: string;
  after: string;
  onChoose: (id: string) => void;
  onOpen?: (id: string) => void;
  onStop: (id: string) => void;
  onHover: (id: string | null) => void;
}

export const Node = memo(function Node(props: INodeProps): JSX.Element | null {
  const { node, box } = props;
  if (!box) {
    return null;
  }
  const classes = [
    'mlnb-Graph-node',
    `mlnb-mod-${node.tone ?? 'idle'}`,
    props.selected ? 'mlnb-mod-selected' : '',
    node.central ? 'mlnb-mod-central' : '',
    node.pale ? 'mlnb-mod-pale' : ''
  ];
  return (
    <button
      type="button"
      className={classes.filter(Boolean).join(' ')}
      data-mlnb-node={node.id}
      style={{
        left: box.x,
        top: box.y,
        width: box.width,
        height: box.height
      }}
      tabIndex={props.stop ? 0 : -1}
      aria-label={spoken(props)}
      aria-pressed={props.selected || undefined}
      aria-current={node.central || undefined}
      title={[node.title, node.subtitle].filter(Boolean).join('\n')}
      onClick={() => props.onChoose(node.id)}
      onDoubleClick={() => props.onOpen?.(node.id)}
      onFocus={() => props.onStop(node.id)}
      onPointerEnter={() => props.onHover(node.id)}
      onPointerLeave={() => props.onHover(null)}
    >
      {node.icon && <node.icon.react tag="span" className="mlnb-Graph-icon" />}
      <span className="mlnb-Graph-text">
        <span className="mlnb-Graph-title">{node.title}</span>
        {node.subtitle && (
          <span className="mlnb-Graph-subtitle">{node.subtitle}</span>
        )}
      </span>
      {node.status && <Dot tone={node.tone ?? 'idle'} label={node.status} />}
      {typeof node.progress === 'number' && (
        <span className="mlnb-Graph-progress">
          <span style={{ width: `${Math.round(100 * node.progress)}%` }} />
        </span>
      )}
    </button>
  );
});

/** All that the drawing says about a node, in words. */
function spoken({ node, before, after }: INodeProps): string {
  return [
    node.title,
    node.subtitle,
    node.status,
    typeof node.progress === 'number' &&
      trans.__('%1% done', Math.round(100 * node.progress)),
    before && trans.__('from %1', before),
    after && trans.__('to %1', after)
  ]
    .filter(Boolean)
    .join('; ');
}
