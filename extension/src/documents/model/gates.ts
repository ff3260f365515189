import type { Tone } from '../../panel/parts';
import type { ModelVersion } from '../../records';
import { trans } from '../../translation';

/** What a version's gate says, to the eye and in words. */
export function gateOf(version: ModelVersion): { tone: Tone; label: string } {
  switch (version.gate) {
    case 'passed':
      return { tone: 'good', label: trans.__('passed its gate') };
    case 'refused':
      return { tone: 'bad', label: trans.__('refused by its gate') };
    default:
      return { tone: 'idle', label: trans.__('not validated yet') };
  }
}

export function refOf(version: ModelVersion): string {
  return `${version.name}@${version.number}`;
}
