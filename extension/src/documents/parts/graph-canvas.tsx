/** Draws a graph that can be moved, enlarged, walked through by keyboard, and read as a list. */

import { addIcon, listIcon, treeViewIcon } from '@jupyterlab/ui-components';
import React, { useCallback, useMemo, useRef, useState } from 'react';

import { fitIcon, minusIcon } from '../../icons';
import { IconButton } from '../../panel/parts';
import { trans } from '../../translation';
import type { IGraphProps } from './graph';
import type { ILayout } from './graph-layout';
import { layOut } from './graph-layout';
import { GraphList } from './graph-list';
import { Edges, Node } from './graph-marks';
import { useView } from './graph-moving';
import { neighbours, step } from './graph-walk';

export default function GraphCanvas(props: IGraphProps): JSX.Element {
  const [asList, setAsList] = useState(false);
  return (
    <div className="mlnb-Graph" role="group" aria-label={props.label}>
      {asList ? (
        <GraphList {...props} />
      ) : (
        <Drawing {...props} key={props.direction} />
      )}
      <div className="mlnb-Graph-corner mlnb-mod-left">{props.children}</div>
      <div className="mlnb-Graph-corner mlnb-mod-list">
        <IconButton
          icon={asList ? treeViewIcon : listIcon}
          label={
            asList ? trans.__('Show as a graph') : trans.__('Show as a list')
          }
          onClick={() => setAsList(!asList)}
        />
      </div>
    </div>
  );
}

function Drawing({
  nodes,
  edges,
  direction = 'right',
  selected = null,
  onSelect,
  onOpen
}: IGraphProps): JSX.Element {
  const frame = useRef<HTMLDivElement>(null);
  const { layout, around } = useLayout(nodes, edges, direction);
  const central = nodes.find(node => node.central)?.id;
  const { view, reveal, zoom, fit, onPointerDown, onClickCapture } = useView(
    frame,
    layout,
    central ?? nodes[0]?.id
  );
  const [stop, setStop] = useState<string | null>(null);
  const [hovered, setHovered] = useState<string | null>(null);
  const titles = useMemo(
    () => new Map(nodes.map(node => [node.id, node.title])),
    [nodes]
  );
  const candidates = [stop, selected, central, nodes[0]?.id];
  const current = candidates.find(id => id && layout.boxes.has(id)) ?? null;

  const latest = useRef({ onSelect, onOpen });
  latest.current = { onSelect, onOpen };
  const selects = onSelect !== undefined;
  const choose = useCallback((id: string) => {
    setStop(id);
    (latest.current.onSelect ?? latest.current.onOpen)?.(id);
  }, []);
  const open = useCallback((id: string) => {
    (latest.current.onOpen ?? latest.current.onSelect)?.(id);
  }, []);

  const onKeyDown = (event: React.KeyboardEvent<HTMLDivElement>): void => {
    if (event.ctrlKey || event.metaKey || event.altKey) {
      return;
    }
    const used = ((): boolean => {
      switch (event.key) {
        case '+':
        case '=':
          return zoom(1.25);
        case '-':
          return zoom(0.8);
        case '0':
          return fit();
        case 'Enter':
          if (current) {
            open(current);
          }
          return true;
        default:
          break;
      }
      const next = current
        ? step(event.key, current, layout, around, direction)
        : null;
      if (next) {
        setStop(next);
        focusNode(frame.current, next);
        reveal(next);
      }
      return next !== null;
    })();
    if (used) {
      event.preventDefault();
      event.stopPropagation();
    }
  };

  const marks = useMemo(
    () => (
      <>
        <Edges
          edges={edges}
          layout={layout}
          active={hovered ?? stop ?? selected}
        />
        {nodes.map(node => (
          <Node
            key={node.id}
            node={node}
            box={layout.boxes.get(node.id)}
            stop={node.id === current}
            selected={node.id === selected}
            before={words(around.before.get(node.id), titles)}
            after={words(around.after.get(node.id), titles)}
            onChoose={choose}
            onOpen={selects ? open : undefined}
            onStop={setStop}
            onHover={setHovered}
          />
        ))}
      </>
    ),
    // prettier-ignore
    [nodes, edges, layout, around, titles, hovered, stop, selected, current, selects, choose, open]
  );
  return (
    <>
      <div
        ref={frame}
        className="mlnb-Graph-frame"
        onPointerDown={onPointerDown}
        onClickCapture={onClickCapture}
        onKeyDown={onKeyDown}
      >
        <div
          className="mlnb-Graph-content"
          style={{
            transform: `translate(${view.x}px, ${view.y}px) scale(${view.scale})`,
            width: layout.width,
            height: layout.height
          }}
        >
          {marks}
        </div>
      </div>
      <div
        className="mlnb-Graph-corner mlnb-mod-right"
        role="toolbar"
        aria-label={trans.__('View')}
      >
        <IconButton
          icon={addIcon}
          label={trans.__('Zoom in (+)')}
          onClick={() => zoom(1.25)}
        />
        <IconButton
          icon={minusIcon}
          label={trans.__('Zoom out (-)')}
          onClick={() => zoom(0.8)}
        />
        <IconButton
          icon={fitIcon}
          label={trans.__('Show all of it (0)')}
          onClick={() => fit()}
        />
      </div>
    </>
  );
}

/** Lay out again only when nodes or edges come or go, not when a status changes. */
function useLayout(
  nodes: IGraphProps['nodes'],
  edges: IGraphProps['edges'],
  direction: NonNullable<IGraphProps['direction']>
): { layout: ILayout; around: ReturnType<typeof neighbours> } {
  const shape = JSON.stringify([
    nodes.map(node => node.id),
    edges.map(edge => [edge.from, edge.to]),
    direction
  ]);
  return useMemo(() => {
    const [ids, pairs] = JSON.parse(shape) as [string[], [string, string][]];
    return {
      layout: layOut(ids, pairs, direction),
      around: neighbours(pairs)
    };
  }, [shape, direction]);
}

const NAMED = 5;

/** The titles of neighbours, as many as one wants to hear. */
function words(ids: string[] | undefined, titles: Map<string, string>): string {
  const found = (ids ?? []).map(id => titles.get(id) ?? id);
  return found.length > NAMED
    ? trans.__(
        '%1 and %2 more',
        found.slice(0, NAMED).join(', '),
        found.length - NAMED
      )
    : found.join(', ');
}

function focusNode(frame: HTMLElement | null, id: string): void {
  const nodes = frame?.querySelectorAll<HTMLElement>('[data-mlnb-node]') ?? [];
  for (const node of nodes) {
    if (node.dataset.mlnbNode === id) {
      node.focus({ preventScroll: true });
    }
  }
}
