/** The steps of a run as a graph with their states. */

import React, { useMemo, useState } from 'react';

import type { StepProgress } from '../../records';
import { count, duration } from '../../text';
import { trans } from '../../translation';
import type { IGraphEdge, IGraphNode } from '../parts/graph';
import { Graph } from '../parts/graph';
import type { IGroup } from './groups';
import { grouped, needsOf, statusOf, stepOf, withoutImplied } from './groups';
import { briefly, fractionOf, stateOf, stepState } from './words';

/** With more jobs than this, those of one step are drawn as one. */
const FEW = 30;

export function Dag({
  steps,
  now,
  selected,
  onSelect,
  onOpen
}: {
  steps: StepProgress[];
  now: number;
  selected: string | null;
  onSelect: (name: string) => void;
  onOpen: (name: string) => void;
}): JSX.Element {
  const groups = useMemo(() => grouped(steps), [steps]);
  const many = groups.some(group => group.jobs.length > 1);
  const [together, setTogether] = useState<boolean | null>(null);
  const folded = many && (together ?? steps.length > FEW);
  const { nodes, edges } = folded
    ? drawnGroups(groups, now)
    : drawnJobs(steps, now);
  const first = (name: string): string =>
    groups.find(group => group.name === name)?.jobs[0]?.name ?? name;
  const shown = selected && folded ? stepOf(selected) : selected;
  return (
    <Graph
      label={trans.__('Steps and what they need')}
      nodes={nodes}
      edges={edges}
      selected={shown}
      onSelect={name => onSelect(folded ? first(name) : name)}
      onOpen={name => onOpen(folded ? first(name) : name)}
    >
      {many && (
        <label className="mlnb-Dag-fold">
          <input
            type="checkbox"
            checked={folded}
            onChange={event => setTogether(event.target.checked)}
          />
          {trans.__('Jobs of a step together')}
        </label>
      )}
    </Graph>
  );
}

interface IDrawn {
  nodes: IGraphNode[];
  edges: IGraphEdge[];
}

function drawnJobs(steps: StepProgress[], now: number): IDrawn {
  const known = new Set(steps.map(step => step.name));
  const needs = steps.flatMap(step =>
    step.needs
      .filter(need => known.has(need))
      .map(need => [need, step.name] as [string, string])
  );
  return {
    nodes: steps.map(step => {
      const state = stepState(step);
      return {
        id: step.name,
        title: step.name,
        subtitle: [briefly(step), took(step, now)].filter(Boolean).join(' · '),
        tone: state.tone,
        status: state.label,
        progress: step.status === 'RUNNING' ? fractionOf(step) : null,
        pale: step.status === 'SKIPPED' || step.status === 'PENDING'
      };
    }),
    edges: (needs.length <= 400 ? withoutImplied(needs) : needs).map(
      ([from, to]) => ({ from, to })
    )
  };
}

function took(step: StepProgress, now: number): string {
  return step.started && !step.cached_from
    ? duration(step.started, step.ended, now)
    : '';
}

function drawnGroups(groups: IGroup[], now: number): IDrawn {
  return {
    nodes: groups.map(group => {
      const [only] = group.jobs;
      if (group.jobs.length === 1 && only) {
        return drawnJobs([only], now).nodes[0]!;
      }
      const status = statusOf(group.jobs);
      const state = stateOf(status);
      const done = group.jobs.filter(job => job.status === 'FINISHED').length;
      const parts = group.jobs.map(fractionOf);
      return {
        id: group.name,
        title: `${group.name} × ${group.jobs.length}`,
        subtitle: trans.__(
          '%1 of %2 done',
          done,
          count(group.jobs.length, 'job')
        ),
        tone: state.tone,
        status: state.label,
        progress:
          status === 'RUNNING'
            ? parts.reduce((sum, part) => sum + part, 0) / parts.length
            : null,
        pale: status === 'SKIPPED' || status === 'PENDING'
      };
    }),
    edges: needsOf(groups).map(([from, to]) => ({ from, to }))
  };
}
