/** Runs of pipelines, one a line. */

import React from 'react';

import { useNow } from '../../panel/context';
import { Ago, Dot } from '../../panel/parts';
import type { PastRun } from '../../records';
import { duration } from '../../text';
import { trans } from '../../translation';
import { useDocument } from '../context';
import { stateOf } from './words';

export function History({
  runs,
  named = false
}: {
  runs: PastRun[];
  /** Whether each line says of which pipeline it is. */
  named?: boolean;
}): JSX.Element {
  const going = runs.some(run => run.status === 'RUNNING');
  const now = useNow(going ? 1000 : null);
  const { open } = useDocument();
  return (
    <ul className="mlnb-PastRuns">
      {runs.map(run => {
        const state = stateOf(run.status);
        return (
          <li key={run.id}>
            <Dot {...state} />
            <button
              type="button"
              className="mlnb-Link"
              title={run.id}
              onClick={() => open('pipeline', run.id)}
            >
              {named ? run.pipeline : <Ago time={run.started} />}
            </button>
            <span className="mlnb-PastRuns-what">{summary(run)}</span>
            <span className="mlnb-PastRuns-time">
              {duration(run.started, run.ended, now)}
              {named && (
                <>
                  {' · '}
                  <Ago time={run.started} />
                </>
              )}
            </span>
          </li>
        );
      })}
    </ul>
  );
}

function summary(run: PastRun): string {
  if (run.failed.length) {
    return trans.__('%1 failed', run.failed.slice(0, 3).join(', '));
  }
  const done = trans.__('%1 of %2 steps', run.done, run.steps);
  return run.cached ? trans.__('%1, %2 cached', done, run.cached) : done;
}
