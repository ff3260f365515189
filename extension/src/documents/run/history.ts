/** A run's curves, which grow while the run goes on. */

import { useEffect, useRef, useState } from 'react';

import { asProblem } from '../../api';
import type { Problem, RunCurve, RunRecord } from '../../records';
import { useDocument } from '../context';
import { grown, overgrown } from './growth';

/** Milliseconds between two looks at a run that goes on. */
const EVERY = 1000;

export interface IHistory {
  /** Null before the first answer. */
  curves: RunCurve[] | null;
  /** The run as it was when it was looked at last. */
  run: RunRecord | null;
  problem: Problem | null;
}

/**
 * Follow a run's curves until it has ended.
 *
 * @param id - The run; null to wait.
 * @param round - Look again from the beginning when this changes.
 */
export function useHistory(id: string | null, round: string): IHistory {
  const { api, folder, visible } = useDocument();
  const [found, setFound] = useState<IHistory>({
    curves: null,
    run: null,
    problem: null
  });
  const state = useRef({ key: '', after: 0, curves: [] as RunCurve[] });
  useEffect(() => {
    if (id === null || !visible) {
      return;
    }
    const key = `${folder} ${id} ${round}`;
    if (state.current.key !== key) {
      state.current = { key, after: 0, curves: [] };
    }
    let current = true;
    let timer = 0;
    const look = async (): Promise<void> => {
      const known = state.current;
      try {
        const { after } = known;
        const answer = await api.ask('GET /runs/{run}/history', {
          folder,
          run: id,
          after
        });
        if (!current) {
          return;
        }
        known.curves = grown(known.curves, answer);
        known.after = overgrown(known.curves) ? 0 : answer.after;
        setFound({ curves: known.curves, run: answer.run, problem: null });
        if (answer.run.status === 'RUNNING') {
          timer = window.setTimeout(() => void look(), EVERY);
        }
      } catch (reason) {
        if (current) {
          setFound(before => ({ ...before, problem: asProblem(reason) }));
          timer = window.setTimeout(() => void look(), 5 * EVERY);
        }
      }
    };
    void look();
    return () => {
      current = false;
      window.clearTimeout(timer);
    };
  }, [api, folder, id, round, visible]);
  return found;
}
