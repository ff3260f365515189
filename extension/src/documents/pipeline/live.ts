/** A run as it is now: the last answer, and what was pushed since. */

import { useEffect, useState } from 'react';

import type { PipelineProgress } from '../../records';
import { useDocument } from '../context';

/**
 * Take the pushed progress where it is newer than the answered one.
 *
 * @param answered - The last answer; null before the first one.
 */
export function useLive(
  id: string,
  answered: PipelineProgress | null
): PipelineProgress | null {
  const { folder, model } = useDocument();
  const [pushed, setPushed] = useState<PipelineProgress | null>(null);
  useEffect(() => {
    setPushed(null);
    const take = (
      _: unknown,
      change: { folder: string; pipelines: PipelineProgress[] }
    ): void => {
      const found = change.pipelines.find(run => run.id === id);
      if (found && change.folder === folder) {
        setPushed(found);
      }
    };
    model.pushed.connect(take);
    return () => {
      model.pushed.disconnect(take);
    };
  }, [folder, id, model]);
  if (!pushed || !answered) {
    return answered;
  }
  return newer(answered, pushed);
}

/** The later one; an ended run that goes on again has a later event, too. */
export function newer(
  one: PipelineProgress,
  other: PipelineProgress
): PipelineProgress {
  const time = (run: PipelineProgress): number =>
    Date.parse(run.updated ?? run.ended ?? run.started);
  return time(other) >= time(one) ? other : one;
}
