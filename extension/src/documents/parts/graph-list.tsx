/** A graph as a table: each node with those before and after it. */

import React, { useMemo } from 'react';

import { Dot } from '../../panel/parts';
import { trans } from '../../translation';
import type { IGraphProps } from './graph';
import { neighbours } from './graph-walk';

export function GraphList({
  label,
  nodes,
  edges,
  onOpen,
  onSelect
}: IGraphProps): JSX.Element {
  const around = useMemo(
    () => neighbours(edges.map(edge => [edge.from, edge.to])),
    [edges]
  );
  const titles = new Map(nodes.map(node => [node.id, node.title]));
  const open = onOpen ?? onSelect;
  const names = (ids: string[] | undefined): string =>
    (ids ?? [])
      .map(id => titles.get(id) ?? '')
      .filter(Boolean)
      .join(', ');
  return (
    <div className="mlnb-Graph-list">
      <table className="mlnb-Rows" aria-label={label}>
        <thead>
          <tr>
            <th scope="col">{trans.__('Name')}</th>
            <th scope="col">{trans.__('State')}</th>
            <th scope="col">{trans.__('From')}</th>
            <th scope="col">{trans.__('To')}</th>
          </tr>
        </thead>
        <tbody>
          {nodes.map(node => (
            <tr key={node.id} aria-current={node.central || undefined}>
              <th scope="row">
                <button
                  type="button"
                  className="mlnb-Link"
                  onClick={() => open?.(node.id)}
                >
                  {node.title}
                </button>
                {node.subtitle && (
                  <span className="mlnb-Graph-subtitle">{node.subtitle}</span>
                )}
              </th>
              <td>
                {node.status && (
                  <>
                    <Dot tone={node.tone ?? 'idle'} label={node.status} />{' '}
                    {node.status}
                  </>
                )}
              </td>
              <td>{names(around.before.get(node.id))}</td>
              <td>{names(around.after.get(node.id))}</td>
            </tr>
          ))}
        </tbody>
      </table>
    </div>
  );
}
