/** The steps of a run, a line each; jobs of one step together. */

import { caretDownIcon, caretRightIcon } from '@jupyterlab/ui-components';
import React, { useState } from 'react';

import { Dot } from '../../panel/parts';
import type { StepProgress } from '../../records';
import { count, duration } from '../../text';
import { trans } from '../../translation';
import type { IGroup } from './groups';
import { grouped, labelOf, statusOf } from './groups';
import { Progress } from './progress-bar';
import { stateOf, stepState } from './words';

interface IStepsProps {
  steps: StepProgress[];
  now: number;
  selected: string | null;
  onSelect: (name: string) => void;
}

export function Steps(props: IStepsProps): JSX.Element {
  return (
    <ol className="mlnb-StepList">
      {grouped(props.steps).map(group =>
        group.jobs.length > 1 ? (
          <Group key={group.name} group={group} {...props} />
        ) : (
          <Line key={group.name} step={group.jobs[0]!} {...props} />
        )
      )}
    </ol>
  );
}

function Group({
  group,
  ...props
}: IStepsProps & { group: IGroup }): JSX.Element {
  const status = statusOf(group.jobs);
  const [chosen, setChosen] = useState<boolean | null>(null);
  const open = chosen ?? (status === 'FAILED' || group.jobs.length <= 6);
  const state = stateOf(status);
  const done = group.jobs.filter(job => job.status === 'FINISHED').length;
  const Caret = open ? caretDownIcon : caretRightIcon;
  return (
    <li>
      <button
        type="button"
        className="mlnb-StepList-line"
        aria-expanded={open}
        onClick={() => setChosen(!open)}
      >
        <Dot {...state} />
        <span className="mlnb-StepList-name">{group.name}</span>
        <span className="mlnb-StepList-what">
          {trans.__('%1 of %2 done', done, count(group.jobs.length, 'job'))}
        </span>
        <Caret.react tag="span" className="mlnb-StepList-caret" />
      </button>
      {open && (
        <ol>
          {group.jobs.map(job => (
            <Line
              key={job.name}
              step={job}
              label={labelOf(job.name)}
              {...props}
            />
          ))}
        </ol>
      )}
    </li>
  );
}

function Line({
  step,
  label = step.name,
  now,
  selected,
  onSelect
}: IStepsProps & { step: StepProgress; label?: string }): JSX.Element {
  const state = stepState(step);
  const said = step.status === 'FINISHED' ? '' : step.error || step.why;
  return (
    <li>
      <button
        type="button"
        className="mlnb-StepList-line"
        aria-pressed={selected === step.name}
        onClick={() => onSelect(step.name)}
      >
        <Dot {...state} />
        <span className="mlnb-StepList-name" title={step.name}>
          {label}
        </span>
        <span className="mlnb-StepList-what" title={said || step.why}>
          {said || state.label}
        </span>
        {step.status === 'RUNNING' && <Progress step={step} />}
        {step.started && !step.cached_from && (
          <span className="mlnb-StepList-time">
            {duration(step.started, step.ended, now)}
          </span>
        )}
      </button>
    </li>
  );
}
