/** A job and its output, read on while it runs. */

import { useCallback, useEffect, useRef, useState } from 'react';

import { asProblem } from '../api';
import { useDocument } from '../documents/context';
import type { Change, Job, Problem } from '../records';

/** Characters of output that are kept in the page. */
const LONGEST = 200_000;
const EVERY = 1000;

export interface IJobOutput {
  job: Job | null;
  text: string;
  /** Whether what came before the text is not there. */
  cut: boolean;
  problem: Problem | null;
  reload(): void;
}

type IFound = Omit<IJobOutput, 'reload'>;

const NOTHING: IFound = { job: null, text: '', cut: false, problem: null };

export function useJobOutput(id: string): IJobOutput {
  const { api, folder, model, visible } = useDocument();
  const [found, setFound] = useState<IFound>(NOTHING);
  const end = useRef(0);
  const asking = useRef(false);
  const look = useCallback(async () => {
    if (asking.current) {
      return;
    }
    asking.current = true;
    try {
      const after = end.current;
      const said = await api.ask('GET /jobs/{job}', { folder, job: id, after });
      end.current = said.end;
      setFound(before => {
        const gap = said.start > after;
        const text = (gap ? '' : before.text) + said.text;
        return {
          job: said.job,
          text: text.slice(-LONGEST),
          cut: before.cut || gap || text.length > LONGEST,
          problem: null
        };
      });
    } catch (reason) {
      setFound(before => ({ ...before, problem: asProblem(reason) }));
    } finally {
      asking.current = false;
    }
  }, [api, folder, id]);
  useEffect(() => {
    if (visible) {
      void look();
    }
  }, [look, visible]);
  const running = !found.job || found.job.status === 'RUNNING';
  useEffect(() => {
    if (!visible || !running) {
      return;
    }
    const timer = window.setInterval(() => void look(), EVERY);
    const onPushed = (_: unknown, change: Change): void => {
      if (change.jobs.some(job => job.id === id)) {
        void look();
      }
    };
    model.pushed.connect(onPushed);
    return () => {
      window.clearInterval(timer);
      model.pushed.disconnect(onPushed);
    };
  }, [id, look, model, running, visible]);
  return { ...found, reload: () => void look() };
}
