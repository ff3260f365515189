/** States of steps and runs, to the eye and in words. */

import type { Tone } from '../../panel/parts';
import { toneOf } from '../../panel/status';
import { cells } from '../../pipelines/progress';
import type { StepProgress } from '../../records';
import { trans } from '../../translation';
import type { Status } from './groups';

export interface IState {
  tone: Tone;
  label: string;
}

export function stateOf(status: Status): IState {
  const words: Record<Status, string> = {
    PENDING: trans.__('waiting'),
    RUNNING: trans.__('running'),
    FINISHED: trans.__('finished'),
    FAILED: trans.__('failed'),
    KILLED: trans.__('stopped'),
    SKIPPED: trans.__('skipped')
  };
  return { tone: toneOf(status), label: words[status] };
}

/** A step's state; one whose stored result was used is `cached`. */
export function stepState(step: StepProgress): IState {
  return step.cached_from && step.status === 'FINISHED'
    ? { tone: 'good', label: trans.__('cached') }
    : stateOf(step.status);
}

/** How far a step is, between 0 and 1. */
export function fractionOf(step: StepProgress): number {
  if (['FINISHED', 'SKIPPED'].includes(step.status)) {
    return 1;
  }
  return step.cells ? Math.min(1, step.cells_done / step.cells) : 0;
}

/** `cell 3/12`, `cached`, `waits for a retry`: what is worth saying beside the name. */
export function briefly(step: StepProgress): string {
  if (step.status === 'RUNNING') {
    return step.why || cells(step);
  }
  return stepState(step).label;
}
