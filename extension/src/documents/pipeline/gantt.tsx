/** When each step was running: bars on one axis of time. */

import React, { useState } from 'react';

import type { PipelineProgress, StepProgress } from '../../records';
import { duration } from '../../text';
import { trans } from '../../translation';
import { timing } from './timing';
import { stepState } from './words';

/** So many bars are shown at first. */
const SHOWN = 40;

export function Gantt({
  run,
  now,
  selected,
  onSelect
}: {
  run: PipelineProgress;
  now: number;
  selected: string | null;
  onSelect: (name: string) => void;
}): JSX.Element {
  const [all, setAll] = useState(false);
  const { bars, marks } = timing(run.steps, run.started, now);
  const byName = new Map(run.steps.map(step => [step.name, step]));
  if (!bars.length) {
    return <p className="mlnb-Empty">{trans.__('No step has started yet.')}</p>;
  }
  const shown = all ? bars : bars.slice(0, SHOWN);
  return (
    <div className="mlnb-Gantt">
      <div className="mlnb-Gantt-axis" aria-hidden="true">
        {marks.map(mark => (
          <span key={mark.label} style={{ left: `${mark.left}%` }}>
            {mark.label}
          </span>
        ))}
      </div>
      <ul>
        {shown.map(bar => {
          const step = byName.get(bar.name)!;
          const state = stepState(step);
          return (
            <li key={bar.name}>
              <button
                type="button"
                aria-pressed={selected === bar.name}
                title={spoken(step, state.label, now)}
                onClick={() => onSelect(bar.name)}
              >
                <span className="mlnb-Gantt-name">{bar.name}</span>
                <span className="mlnb-Gantt-lane">
                  {marks.map(mark => (
                    <i key={mark.label} style={{ left: `${mark.left}%` }} />
                  ))}
                  <span
                    className={`mlnb-Gantt-bar mlnb-mod-${state.tone}${
                      step.cached_from ? ' mlnb-mod-cached' : ''
                    }`}
                    style={{
                      left: `${bar.left}%`,
                      width: `max(3px, ${bar.width}%)`
                    }}
                  />
                </span>
                <span className="mlnb-Gantt-time">
                  {duration(step.started!, step.ended, now)}
                </span>
              </button>
            </li>
          );
        })}
      </ul>
      {bars.length > shown.length && (
        <button
          type="button"
          className="mlnb-Link"
          onClick={() => setAll(true)}
        >
          {trans.__('Show all %1', bars.length)}
        </button>
      )}
    </div>
  );
}

function spoken(step: StepProgress, state: string, now: number): string {
  const took = duration(step.started!, step.ended, now);
  return trans.__('%1: %2, %3', step.name, state, took);
}
