import type { RunRecord } from '../records';
import type { Tone } from './parts';

const TONES: Record<RunRecord['status'], Tone> = {
  PENDING: 'idle',
  RUNNING: 'busy',
  FINISHED: 'good',
  FAILED: 'bad',
  KILLED: 'bad',
  SKIPPED: 'idle'
};

export function toneOf(status: RunRecord['status']): Tone {
  return TONES[status];
}
