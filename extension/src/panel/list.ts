/** What a folder per list declares, so that the panel can show any list. */

import type React from 'react';

import type { IActions } from '../notebook';
import type { DocumentKind, IRows, Section } from '../tokens';

/** A way to order a list. */
export interface IOrder {
  /** As the server takes it; `-` in front is downwards. */
  order: string;
  label: string;
}

/** What an entry of a menu may need. */
export interface IChosen<S extends Section> {
  row: IRows[S];
  /** Keys of all rows that are selected, the row's among them. */
  selected: readonly string[];
  actions: IActions;
}

/** An entry of the menu of a row. */
export interface IEntry<S extends Section> {
  id: string;
  label(chosen: Omit<IChosen<S>, 'actions'>): string;
  /** Whether it is there for these rows; always, if it does not say. */
  fits?(chosen: Omit<IChosen<S>, 'actions'>): boolean;
  perform(chosen: IChosen<S>): void | Promise<void>;
}

export interface IList<S extends Section> {
  id: S;
  title(): string;
  /** What to say, and the first command to try, when there is nothing. */
  empty(): { text: string; code: string; notebook?: boolean };
  key(row: IRows[S]): string;
  /** What a person calls it. */
  name(row: IRows[S]): string;
  /** The document that tells all about it. */
  document(row: IRows[S]): { kind: DocumentKind; id: string };
  /** The first is the list's own. */
  orders(metrics: readonly string[]): IOrder[];
  /** Whether several rows may be selected. */
  multiple?: boolean;
  /** Entries of the menu beside those that every list has. */
  entries: readonly IEntry<S>[];
  Row: React.ComponentType<{ row: IRows[S] }>;
}
