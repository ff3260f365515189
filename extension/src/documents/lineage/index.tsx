import { Button, HTMLSelect } from '@jupyterlab/ui-components';
import React, { useEffect, useMemo, useRef, useState } from 'react';

import { lineageIcon } from '../../icons';
import { Ago, Dot } from '../../panel/parts';
import type { LineageGraph, LineageNode } from '../../records';
import { trans } from '../../translation';
import { useAnswer } from '../answer';
import { useDocument } from '../context';
import type { IDocumentKind } from '../kinds';
import { Frame, Waiting } from '../parts/frame';
import { Graph } from '../parts/graph';
import { graphNode, ICONS, kindOf, statusOf, toneOf } from './nodes';

const NEAR = 3;
const STEPS = [0, 1, 2, 3, 5, 20];
const SECTIONS = ['runs', 'datasets', 'models', 'endpoints'] as const;

function Document({ id }: { id: string }): JSX.Element {
  const context = useDocument();
  const [kind, ref] = partsOf(id);
  const [up, setUp] = useState(NEAR);
  const [down, setDown] = useState(NEAR);
  const [unfold, setUnfold] = useState<string[]>([]);
  const [selected, setSelected] = useState<string | null>(null);
  const { data, problem, loading } = useAnswer(
    'GET /lineage',
    { kind, ref, up, down, unfold },
    { sections: SECTIONS }
  );
  const latest = useRef<LineageGraph | null>(null);
  latest.current = data ?? latest.current;
  const graph = latest.current;
  const nodes = useMemo(
    () => graph?.nodes.map(node => graphNode(node, graph.center)) ?? [],
    [graph]
  );
  const edges = useMemo(
    () =>
      graph?.edges.map(edge => ({
        from: edge.source,
        to: edge.target,
        dashed: edge.earlier
      })) ?? [],
    [graph]
  );
  const center = graph?.nodes.find(node => node.id === graph.center);
  const title = center?.title ?? ref;
  useEffect(
    () => context.setTitle(trans.__('Lineage of %1', title)),
    [title, context]
  );
  if (!graph || !center) {
    return <Waiting problem={problem} />;
  }
  const openNode = (node: LineageNode | undefined): void => {
    if (node?.kind === 'more') {
      setUnfold([...unfold, node.of]);
    } else if (node) {
      context.open(node.kind, node.ref);
    }
  };
  const chosen = graph.nodes.find(node => node.id === selected);
  return (
    <Frame
      kind={trans.__('Lineage')}
      title={title}
      summary={trans._n(
        '%1 thing, as it was recorded',
        '%1 things, as they were recorded',
        graph.nodes.length
      )}
      problem={problem}
      actions={
        <>
          <Steps label={trans.__('Upstream')} value={up} onChange={setUp} />
          <Steps
            label={trans.__('Downstream')}
            value={down}
            onChange={setDown}
          />
        </>
      }
    >
      <div className="mlnb-Lineage" aria-busy={loading}>
        <Graph
          label={trans.__('Lineage of %1', title)}
          nodes={nodes}
          edges={edges}
          selected={selected}
          onSelect={setSelected}
          onOpen={key => openNode(graph.nodes.find(node => node.id === key))}
        >
          {!graph.complete && (
            <p className="mlnb-Lineage-notice">
              {trans.__('There is more than can be shown at once.')}
            </p>
          )}
        </Graph>
        <Chosen
          node={chosen ?? center}
          isCenter={!chosen || chosen === center}
          hasMore={nodes.length > 1}
          onOpen={() => openNode(chosen ?? center)}
        />
      </div>
    </Frame>
  );
}

/** `dataset:flights@3` → kind and reference. */
export function partsOf(id: string): [string, string] {
  const colon = id.indexOf(':');
  return [id.slice(0, colon), id.slice(colon + 1)];
}

function Steps({
  label,
  value,
  onChange
}: {
  label: string;
  value: number;
  onChange: (steps: number) => void;
}): JSX.Element {
  return (
    <label className="mlnb-Lineage-steps">
      {label}
      <HTMLSelect
        value={String(value)}
        onChange={event => onChange(Number(event.target.value))}
      >
        {STEPS.map(steps => (
          <option key={steps} value={steps}>
            {steps === 0
              ? trans.__('nothing')
              : steps === STEPS[STEPS.length - 1]
                ? trans.__('all')
                : trans._n('%1 step', '%1 steps', steps)}
          </option>
        ))}
      </HTMLSelect>
    </label>
  );
}

/** What is said about the node that was chosen, and where it leads. */
function Chosen({
  node,
  isCenter,
  hasMore,
  onOpen
}: {
  node: LineageNode;
  isCenter: boolean;
  hasMore: boolean;
  onOpen: () => void;
}): JSX.Element {
  const context = useDocument();
  const Icon = ICONS[node.kind];
  const notes = [
    node.further_up && trans.__('made from more than is shown'),
    node.further_down && trans.__('more was made from it than is shown')
  ].filter(Boolean);
  return (
    <div className="mlnb-Lineage-chosen" role="status">
      <Icon.react tag="span" className="mlnb-Graph-icon" />
      <div className="mlnb-Lineage-words">
        <p className="mlnb-Lineage-title">
          {node.status && <Dot tone={toneOf(node)} label={statusOf(node)} />}
          <span>{node.title}</span>
        </p>
        <p className="mlnb-Graph-subtitle">
          {kindOf(node)}
          {node.detail && ` · ${node.detail}`}
          {node.time && (
            <>
              {' · '}
              <Ago time={node.time} />
            </>
          )}
          {notes.length > 0 && ` · ${notes.join(' · ')}`}
          {isCenter &&
            !hasMore &&
            ` · ${trans.__('nothing is recorded before or after it')}`}
        </p>
      </div>
      {node.known && (
        <Button minimal small className="mlnb-Action" onClick={onOpen}>
          {node.kind === 'more' ? trans.__('Show') : trans.__('Open')}
        </Button>
      )}
      {node.known && !isCenter && node.kind !== 'more' && (
        <Button
          minimal
          small
          className="mlnb-Action"
          onClick={() => context.open('lineage', node.id)}
        >
          <lineageIcon.react tag="span" />
          {trans.__('Lineage from here')}
        </Button>
      )}
    </div>
  );
}

export const lineage: IDocumentKind = {
  kind: 'lineage',
  icon: lineageIcon,
  title: id => trans.__('Lineage of %1', partsOf(id)[1]),
  Component: Document
};
