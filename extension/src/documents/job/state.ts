import type { Tone } from '../../panel/parts';
import { toneOf } from '../../panel/status';
import type { Job } from '../../records';
import { trans } from '../../translation';

/** A job's status, to the eye and in words. */
export function stateOf(job: Job): { tone: Tone; label: string } {
  const words: { [status: string]: string } = {
    RUNNING: trans.__('running'),
    FINISHED: trans.__('done'),
    FAILED: trans.__('failed'),
    KILLED: trans.__('stopped')
  };
  return {
    tone: toneOf(job.status),
    label: words[job.status] ?? job.status.toLowerCase()
  };
}
