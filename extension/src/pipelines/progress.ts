/** How far a pipeline run is, from its steps. */

import type { PipelineProgress, StepProgress } from '../records';

const ENDED: ReadonlySet<StepProgress['status']> = new Set([
  'FINISHED',
  'FAILED',
  'KILLED',
  'SKIPPED'
]);

/** How many steps have ended. */
export function done(run: PipelineProgress): number {
  return run.steps.filter(step => ENDED.has(step.status)).length;
}

export function runningSteps(run: PipelineProgress): StepProgress[] {
  return run.steps.filter(step => step.status === 'RUNNING');
}

/** `cell 3/12`; `starting` before the first cell. */
export function cells(step: StepProgress): string {
  return step.cells
    ? `cell ${Math.min(step.cells_done + 1, step.cells)}/${step.cells}`
    : 'starting';
}

/** Between 0 and 1; a running step counts by its cells. */
export function fraction(run: PipelineProgress): number {
  if (!run.steps.length) {
    return 0;
  }
  const parts = run.steps.map(step =>
    ENDED.has(step.status) ? 1 : step.cells ? step.cells_done / step.cells : 0
  );
  return parts.reduce((sum, part) => sum + part, 0) / parts.length;
}
