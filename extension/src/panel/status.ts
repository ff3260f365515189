import type { RunRecord } from '../records';
import { trans } from '../translation';
import type { Tone } from './parts';

type Status = RunRecord['status'];

const TONES: Record<Status, Tone> = {
  PENDING: 'idle',
  RUNNING: 'busy',
  FINISHED: 'good',
  FAILED: 'bad',
  KILLED: 'bad',
  SKIPPED: 'idle'
};

export function toneOf(status: Status): Tone {
  return TONES[status];
}

export function statusWord(status: Status): string {
  switch (status) {
    case 'PENDING':
      return trans.__('pending');
    case 'RUNNING':
      return trans.__('running');
    case 'FINISHED':
      return trans.__('finished');
    case 'FAILED':
      return trans.__('failed');
    case 'KILLED':
      return trans.__('killed');
    case 'SKIPPED':
      return trans.__('skipped');
  }
}
