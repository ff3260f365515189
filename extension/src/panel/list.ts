/** What a folder per list declares, so that the panel can show any list. */

import type React from 'react';

import type { Overview } from '../records';
import type { Section } from '../tokens';

export interface IList<S extends Section, T = Overview[S][number]> {
  id: S;
  title: string;
  /** What to say, and the first command to try, when there is nothing. */
  empty: { text: string; code: string; notebook?: boolean };
  key(record: T): string;
  /** The words that the filter looks through. */
  words(record: T): string[];
  Row: React.ComponentType<{ record: T }>;
}
