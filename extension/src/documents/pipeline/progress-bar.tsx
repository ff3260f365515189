import React from 'react';

import type { StepProgress } from '../../records';
import { trans } from '../../translation';
import { fractionOf, stepState } from './words';

/** `3/12` with a bar. */
export function Progress({ step }: { step: StepProgress }): JSX.Element | null {
  if (!step.cells) {
    return null;
  }
  const percent = Math.round(100 * fractionOf(step));
  const done = Math.min(step.cells_done, step.cells);
  return (
    <span className="mlnb-Progress">
      <span
        className={`mlnb-Progress-bar mlnb-mod-${stepState(step).tone}`}
        role="progressbar"
        aria-label={trans.__('Cells of %1', step.name)}
        aria-valuemin={0}
        aria-valuemax={100}
        aria-valuenow={percent}
      >
        <span style={{ width: `${percent}%` }} />
      </span>
      {done}/{step.cells}
    </span>
  );
}
